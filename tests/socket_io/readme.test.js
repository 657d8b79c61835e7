import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { askWell, connect, NEWEST } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { builtBinary, freePort } from "./support/process.js";
import { now } from "./support/token.js";
import { Log, within } from "./support/waiting.js";

/* What README and docs/ say to paste works when it is pasted. Names and addresses that stand for the reader's own are all that is filled in. */

const HERE = fileURLToPath(new URL(".", import.meta.url));
const page = (path) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const README = await page("README.md");
const QUICKSTART = await page("docs/quickstart.md");
const COMING = await page("docs/coming-from-socket-io.md");
const PORT = "5000";

/** The only block of that language under a heading which has `mark` in it, as it is printed. */
function block(page, heading, language, mark = "") {
  const [, section] = page.split(`\n${heading}\n`);
  assert.ok(section, `there is no ${heading}`);
  const [own] = section.split(/\n##+ /);
  const blocks = own.split(`\`\`\`${language}\n`).slice(1).map((rest) => rest.split("```")[0]);
  const found = blocks.filter((text) => text.includes(mark));
  assert.equal(found.length, 1, `${heading} has ${found.length} such blocks`);
  return found[0];
}

const isTaken = (port) =>
  new Promise((answer) => {
    const socket = connectTcp(Number(port), "127.0.0.1");
    socket.once("error", () => answer(false));
    socket.once("connect", () => (socket.destroy(), answer(true)));
  });

test("sixty seconds to a chat and the quickstart that continues them, pasted at once", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "haggle-readme-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  // The binary is built already, and `cargo` has nothing to do.
  await mkdir(join(folder, "target/release"), { recursive: true });
  await symlink(resolve(HERE, builtBinary("HAGGLE_BIN", "haggle")), join(folder, "target/release/haggle"));
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin/cargo"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });

  let pasted = block(README, "## Sixty seconds to a chat", "sh");
  assert.equal(pasted.split(PORT).length, 2, "the port is named once");
  if (await isTaken(PORT)) pasted = pasted.replace(PORT, String(await freePort()));
  const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  // What is pasted arrives at once, as the input of a shell that reads line by line. In the end the server is stopped.
  const shell = spawn("bash", ["-s"], { cwd: folder, env });
  let out = "";
  let complaints = "";
  shell.stdout.on("data", (data) => (out += data));
  shell.stderr.on("data", (data) => (complaints += data));
  pasted += block(QUICKSTART, "## A server of your own", "sh");
  shell.stdin.end(`${pasted}\nkill -TERM $!\nwait $!\n`);
  const [code] = await within(60_000, once(shell, "close"), () => `the shell goes on: ${out} ${complaints}`);
  assert.equal(code, 0, `${out}\n${complaints}`);
  const [room, message, inbox] = out.trim().split("\n").slice(-3).map((line) => JSON.parse(line));
  assert.deepEqual([room.buyer?.id, room.seller?.id, room.product?.title], ["alice", "sam", "A red bike"], `${out}${complaints}`);
  assert.deepEqual([message.seq, message.text, inbox.items?.map(({ id, unread }) => [id, unread])], [1, "Is it still there?", [[room.id, 1]]]);
  assert.doesNotMatch(complaints, /curl:|panicked/);
});

/** Runs the printed frontend with the reader's own names filled in, and returns what it shows. */
async function frontend(t, haggle, room, { fetchToken, text }) {
  const printed = block(COMING, "## The server you delete, and what replaces it", "js", "socket.io-client");
  const address = "https://chat.shop.example";
  assert.equal(printed.split(address).length, 2);
  // Under node_modules, where its import is found and nobody looks for tests.
  const folder = await mkdtemp(join(HERE, "node_modules/.readme-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "frontend.mjs");
  const code = printed.replace(address, haggle.url);
  await writeFile(file, `export default (fetchToken, roomId, show, text) => {\n${code.replace(/^import .*$/m, "")}\nreturn socket;\n};\nimport { io } from "socket.io-client";\n`);
  const { default: run } = await import(pathToFileURL(file));
  const shown = new Log();
  const socket = run(fetchToken, room.id, ({ id, text }) => shown.entries.every((entry) => entry.id !== id) && shown.add({ id, text }), text);
  t.after(() => socket.disconnect());
  return { socket, shown };
}

test("the frontend of \"Coming from Socket.IO\" says something, hears the other side, and renews its token before it expires", async (t) => {
  const haggle = await Haggle.start();
  t.after(() => haggle.stop());
  const room = await haggle.room();
  let fetched = 0;
  const tokens = new Log();
  const fetchToken = async () => {
    tokens.add(++fetched);
    // Each dies a second from now or, with the leeway, half a minute later: a few renewals show what many do.
    return haggle.token(room.buyer.id, { exp: now() + 12 });
  };
  const { socket, shown } = await frontend(t, haggle, room, { fetchToken, text: "Is it still there?" });
  const ends = [];
  socket.on("disconnect", (reason) => ends.push(reason));
  await shown.find(({ text }) => text === "Is it still there?");
  const seller = connect(t, NEWEST, `${haggle.url}/chat`, { token: room.seller.token });
  await askWell(seller, "message", { roomId: room.id, text: "It is." });
  await shown.find(({ text }) => text === "It is.");
  assert.equal(fetched, 2, "one to connect with, and one whose end is known");
  await tokens.find((number) => number === 3, "renewal half-way");
  assert.deepEqual(ends, []);
});

test("the frontend of \"Coming from Socket.IO\" comes back after token_expired, from a live connection and from a refused one", async (t) => {
  const haggle = await Haggle.start();
  t.after(() => haggle.stop());
  const room = await haggle.room();
  // The first token is all but dead and the renewal never comes; the second one is dead; then the backend is well again.
  const script = [() => haggle.token(room.buyer.id, { exp: now() - 27 }), () => new Promise(() => {}), () => haggle.token(room.buyer.id, { exp: now() - 60 })];
  const fetchToken = async () => (script.shift() ?? (() => haggle.token(room.buyer.id)))();
  const { socket, shown } = await frontend(t, haggle, room, { fetchToken, text: "first" });
  const heard = new Log();
  socket.on("error", ({ code }) => heard.add(code));
  socket.on("disconnect", (reason) => heard.add(reason));
  socket.on("connect_error", ({ data }) => heard.add(`refused: ${data?.code}`));
  socket.on("connect", () => heard.add("connect"));
  await shown.find(({ text }) => text === "first");
  await heard.find((what) => what === "refused: token_expired");
  const seller = connect(t, NEWEST, `${haggle.url}/chat`, { token: room.seller.token });
  await askWell(seller, "message", { roomId: room.id, text: "said meanwhile" });
  await shown.find(({ text }) => text === "said meanwhile");
  await askWell(seller, "message", { roomId: room.id, text: "said live" });
  await shown.find(({ text }) => text === "said live");
  assert.deepEqual(heard.entries, ["connect", "token_expired", "io server disconnect", "refused: token_expired", "connect"]);
});
