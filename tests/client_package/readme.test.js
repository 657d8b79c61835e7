import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { installed, MemoryStorage, WebSocket, when } from "./support/live.js";

/* The frontends that docs/integrate.md and the package's README print, with the reader's own names filled in. */

const { haggle, consumer } = await installed();

test("the backend's page answers with a token as the frontends read it", async () => {
  const text = await readFile(new URL("../../docs/backend.md", import.meta.url), "utf8");
  assert.match(text, /app\.get\("\/chat-token"[^]*?\.json\(\{ token: /);
});

for (const [path, address, user] of [
  ["docs/integrate.md", "https://chat.example", "alice"],
  ["packages/client/README.md", "https://chat.example.com", "mina"],
]) {
  test(`the frontend of ${path} enters a room and says something`, async (t) => {
    const text = await readFile(new URL(`../../${path}`, import.meta.url), "utf8");
    const printed = text.split("```js\n").slice(1).map((rest) => rest.split("```")[0]).find((block) => block.includes("@haggle/client"));
    const room = await haggle.room();
    assert.equal(printed.split(`"${address}"`).length, 2);
    const code = printed.replace(`"${address}"`, JSON.stringify(haggle.url)).replace(`"${user}"`, JSON.stringify(room.buyer.id));
    const own = ["fetch", "localStorage", "roomId", "show", "showInbox", "showSignIn", "showConversation"];
    const imports = code.match(/^import .*$/gm).join("\n");
    await consumer.write("frontend.js", `${imports}\nexport default ({ ${own.join(", ")} }) => {\n${code.replace(/^import .*$/gm, "")}\nreturn { client, room };\n};\n`);
    // A browser has one.
    const had = globalThis.WebSocket;
    globalThis.WebSocket = WebSocket;
    t.after(() => (had ? (globalThis.WebSocket = had) : delete globalThis.WebSocket));
    const { default: run } = await import(`${pathToFileURL(join(consumer.folder, "frontend.js"))}?${path}`);
    let shown;
    const show = (messages) => (shown = messages);
    const { client, room: there } = run({
      fetch: async (asked) => (assert.equal(asked, "/my/backend/chat-token"), Response.json({ token: room.buyer.token })),
      localStorage: new MemoryStorage(),
      roomId: room.id,
      show,
      showConversation: show,
      showInbox: () => {},
      showSignIn: assert.fail,
    });
    t.after(() => client.close());
    await when(there, "change", () => there.drafts.length === 0 && shown?.length === 1, "the message is shown");
    assert.match(shown[0].text, /still/);
  });
}

test("the frontend without the client shows the history, says something, and extends its connection", async (t) => {
  const text = await readFile(new URL("../../docs/integrate.md", import.meta.url), "utf8");
  const printed = text.split("```js\n").slice(1).map((rest) => rest.split("```")[0]).find((block) => block.includes("new WebSocket("));
  const address = '"wss://chat.example/ws/chat"';
  assert.equal(printed.split(address).length, 2);
  const room = await haggle.room();
  const code = printed.replace(address, JSON.stringify(`${haggle.url.replace("http", "ws")}/ws/chat`));
  await consumer.write("plain.js", `export default async ({ fetchToken, roomId, show, setTimeout, WebSocket }) => {\n${code}\nreturn { socket, renew };\n};\n`);
  const { default: run } = await import(pathToFileURL(join(consumer.folder, "plain.js")));
  const [waits, shown] = [[], new Map()];
  let said;
  const isSaid = new Promise((resolve) => (said = resolve));
  let isTwice;
  const fetchedTwice = new Promise((resolve) => (isTwice = resolve));
  const { socket, renew } = await run({
    fetchToken: async () => room.buyer.token,
    roomId: room.id,
    show: (message) => (shown.set(message.id, message.text), said()),
    setTimeout: (again, ms) => (waits.push([again, ms]), isTwice()),
    WebSocket,
  });
  t.after(() => socket.close());
  await Promise.all([isSaid, fetchedTwice]);
  assert.deepEqual([...shown.values()], ["Is it still there?"]);
  const [again, ms] = waits[0];
  assert.ok(again === renew && ms > 60_000, `again in ${ms} ms`);
  await again();
  assert.equal(waits.length, 2);
  // Another connection shows what was said before.
  const before = shown.size;
  shown.clear();
  const next = await run({ fetchToken: async () => room.buyer.token, roomId: room.id, show: ({ id, text }) => shown.set(id, text), setTimeout: () => {}, WebSocket });
  t.after(() => next.socket.close());
  await new Promise((resolve) => next.socket.addEventListener("message", () => shown.size > before && resolve()));
  assert.deepEqual([...shown.values()], ["Is it still there?", "Is it still there?"]);
});

test("the program of the quickstart sends a message and prints the conversation", async (t) => {
  const text = await readFile(new URL("../../docs/quickstart.md", import.meta.url), "utf8");
  const [, code] = /<<'EOF'\n([^]*?)\nEOF\n/.exec(text);
  const room = await haggle.room();
  assert.equal(code.split('"alice"').length, 2);
  const own = code.replace('"alice"', JSON.stringify(room.buyer.id)).replace(/^import WebSocket.*$/m, "");
  const [imports] = /^import .*$/m.exec(own);
  await consumer.write("quickstart.js", `${imports}\nexport default ({ process, console, WebSocket }) => {\n${own.replace(imports, "")}\nreturn { client, room };\n};\n`);
  const { default: run } = await import(pathToFileURL(join(consumer.folder, "quickstart.js")));
  const printed = [];
  const env = { HAGGLE_BIND: new URL(haggle.url).host, ALICE: room.buyer.token, ROOM: room.id };
  const { client, room: there } = run({ process: { env }, console: { log: (lines) => printed.push(lines) }, WebSocket });
  t.after(() => client.close());
  await when(there, "change", () => printed.at(-1)?.length === 1, "the message is printed");
  assert.deepEqual(printed.at(-1), ["1: I could come by tomorrow."]);
});
