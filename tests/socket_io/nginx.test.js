import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { ask, askWell, connect, connected, Ear, NEWEST, next, TRANSPORTS } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { MISSING, Nginx } from "./support/nginx.js";
import { builtBinary } from "./support/process.js";
import { DEADLINE_MS, until, within } from "./support/waiting.js";

/* Two nodes behind nginx, as deploy/nginx.conf has it. The nodes share no database: each has the same rooms, so that a client
   finds its room wherever it lands, and a poll that landed on the wrong node would find neither session nor message. */

const PAIRS = 12;
const polling = { ...NEWEST, transports: TRANSPORTS["polling only"] };
const skip = MISSING.length > 0 && `no ${MISSING.join(" and no ")}: install Debian's packages nginx-light and openssl`;

describe("behind nginx", { skip }, () => {
  let folder, nodes, nginx;

  async function startNode(name) {
    const database = join(folder, `${name}.db`);
    execFileSync(builtBinary("HAGGLE_BIN", "haggle"), ["import", "--database-url", database, join(folder, "rooms.ndjson")], { stdio: "pipe" });
    return Haggle.start(["--node-name", name, "--trusted-proxies", "127.0.0.1"], database);
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "haggle-nodes-"));
    const lines = [{ type: "user", id: "seller", name: "Seller" }];
    for (let pair = 0; pair < PAIRS; pair++) {
      lines.push({ type: "user", id: `buyer-${pair}`, name: `Buyer ${pair}` });
      lines.push({ type: "product", id: `product-${pair}`, sellerId: "seller", title: `Product ${pair}` });
      lines.push({ type: "room", id: `room-${pair}`, productId: `product-${pair}`, buyerId: `buyer-${pair}` });
    }
    await writeFile(join(folder, "rooms.ndjson"), lines.map((line) => JSON.stringify(line)).join("\n"));
    nodes = { a: await startNode("a"), b: await startNode("b") };
    nginx = await Nginx.start({ a: new URL(nodes.a.url).host, b: new URL(nodes.b.url).host });
  });

  after(async () => {
    await nginx?.stop();
    for (const node of Object.values(nodes ?? {})) await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const buyer = (t, client, pair, options = {}) => {
    const token = nodes.a.token(`buyer-${pair}`);
    return connect(t, client, `${nginx.url}/chat`, { token, ca: nginx.ca, ...options });
  };

  /** The session's id of the connection, which is Engine.IO's and not the namespace's. */
  const sidOf = (socket) => socket.io.engine.id;
  const nodeOf = (socket) => sidOf(socket).split(".")[0];

  test("clients behind one address poll, are spread over the nodes, and each stays with its own", async (t) => {
    const sockets = Array.from({ length: PAIRS }, (_, pair) => buyer(t, polling, pair));
    const ears = sockets.map((socket) => new Ear(socket));
    await Promise.all(sockets.map(connected));
    assert.deepEqual(new Set(sockets.map(nodeOf)), new Set(["a", "b"]), "both nodes have some");
    const sids = sockets.map(sidOf);
    for (const [pair, socket] of sockets.entries()) {
      await askWell(socket, "enterRoom", `room-${pair}`);
      for (const text of ["one", "two", "three"]) await askWell(socket, "message", { roomId: `room-${pair}`, text });
    }
    for (const [pair, ear] of ears.entries()) {
      await ear.hears("message", ({ text }) => text === "three");
      assert.deepEqual(ear.texts, ["one", "two", "three"]);
      assert.deepEqual([ear.all("disconnect"), ear.all("connect_error")], [[], []], `buyer ${pair}`);
      assert.equal(sidOf(sockets[pair]), sids[pair], "one session from the first poll to the last");
    }
  });

  test("a client moves from polling to WebSocket", async (t) => {
    const socket = buyer(t, { ...NEWEST, transports: undefined }, 0);
    const ear = new Ear(socket);
    await connected(socket);
    if (socket.io.engine.transport.name !== "websocket") await next(socket.io.engine, "upgrade");
    assert.equal(socket.io.engine.transport.name, "websocket");
    await askWell(socket, "enterRoom", "room-0");
    await askWell(socket, "message", "over the upgrade");
    await ear.hears("message", ({ text }) => text === "over the upgrade");
  });

  test("both wires open a WebSocket at once", async (t) => {
    const socket = buyer(t, { ...NEWEST, transports: TRANSPORTS["websocket only"] }, 1);
    await askWell(socket, "enterRoom", "room-1");
    const plain = plainClient(t, "buyer-1");
    assert.equal(await plain.opened, "open");
  });

  test("a poll on a node that does not know the session is answered with code 1", async () => {
    const query = "/socket.io/?EIO=4&transport=polling&sid";
    for (const sid of [`a.${"0".repeat(32)}`, `b.${"0".repeat(32)}`, "nobody"]) {
      const { status, text } = await nginx.get(`${query}=${sid}`);
      assert.deepEqual([status, JSON.parse(text).code], [400, 1], sid);
    }
    const opened = await nginx.get("/socket.io/?EIO=4&transport=polling");
    const { sid } = JSON.parse(opened.text.slice(1));
    const home = sid.split(".")[0];
    const elsewhere = await fetch(`${nodes[home === "a" ? "b" : "a"].url}${query}=${sid}`);
    assert.deepEqual([elsewhere.status, (await elsewhere.json()).code], [400, 1], "asked directly");
    assert.equal((await nginx.get(`${query}=${sid}`, { method: "POST", body: "40/chat,{}" })).status, 200, "through nginx");
  });

  test("each client is counted by its own address, whatever it claims", async (t) => {
    const spoofed = { "x-forwarded-for": "203.0.113.7", forwarded: "for=203.0.113.8" };
    const plain = plainClient(t, "buyer-2", { localAddress: "127.0.0.42", headers: spoofed });
    assert.equal(await plain.opened, "open");
    plain.socket.close();
    await plain.closed;
    const logged = new RegExp("user=buyer-2 wire=json peer=127\\.0\\.0\\.42 ");
    await until(() => logged.test(nodes.a.log) || logged.test(nodes.b.log), "a node's log has the client's address");
  });

  test("metrics stay inside, tokens out of the log, and plain HTTP is sent to TLS", async () => {
    assert.equal((await nginx.get("/metrics")).status, 404);
    assert.equal((await fetch(`${nodes.a.url}/metrics`)).status, 200);
    assert.equal((await nginx.get("/api/v1/me?access_token=not-for-the-log")).status, 401);
    await until(async () => (await nginx.accessLog()).includes('"GET /api/v1/me" 401'), "nginx has logged the request");
    assert.doesNotMatch(await nginx.accessLog(), /not-for-the-log/);
    const plain = await fetch(`${nginx.plainUrl}/api/v1/me`, { redirect: "manual" });
    assert.equal(plain.status, 308);
    assert.match(plain.headers.get("location"), /^https:\/\//);
  });

  test("a body larger than a poll may be is refused, and an image may be larger", async () => {
    const body = "x".repeat(300 * 1024);
    assert.equal((await nginx.get("/socket.io/?EIO=4&transport=polling&sid=a.x", { method: "POST", body })).status, 413);
    assert.equal((await nginx.get("/api/v1/rooms/room-0/images", { method: "POST", body })).status, 401);
  });

  // Last: they end nodes.
  for (const [how, end] of [
    ["drains", (node) => node.drain()],
    ["is killed", (node) => node.kill()],
  ]) {
    test(`clients of a node that ${how} find the other one, and it is used again when it is back`, async (t) => {
      const sockets = Array.from({ length: PAIRS }, (_, pair) => buyer(t, polling, pair));
      await Promise.all(sockets.map(connected));
      const moved = sockets.filter((socket) => nodeOf(socket) === "a");
      const stayed = sockets.filter((socket) => nodeOf(socket) === "b").map((socket) => [socket, sidOf(socket)]);
      assert.ok(moved.length > 0 && stayed.length > 0);
      const gone = sidOf(moved[0]);
      const again = moved.map((socket) => next(socket, "connect"));
      await end(nodes.a);
      await Promise.all(again);
      for (const socket of moved) assert.equal(nodeOf(socket), "b");
      for (const [socket, sid] of stayed) assert.equal(sidOf(socket), sid);
      const lost = await nginx.get(`/socket.io/?EIO=4&transport=polling&sid=${gone}`);
      assert.deepEqual([lost.status, JSON.parse(lost.text).code], [400, 1], "the other node says that it does not know it");
      for (const [pair, socket] of sockets.entries()) assert.equal((await ask(socket, "enterRoom", `room-${pair}`)).ok, true);
      await nodes.a.restart();
      await until(async () => {
        const { status, text } = await nginx.get("/socket.io/?EIO=4&transport=polling");
        return status === 200 && JSON.parse(text.slice(1)).sid.startsWith("a.");
      }, "a new session on the node that is back");
    });
  }

  function plainClient(t, user, options = {}) {
    const protocols = ["haggle.v1", `bearer.${nodes.a.token(user)}`];
    const socket = new WebSocket(`${nginx.url.replace("https", "wss")}/ws/chat`, protocols, { ca: nginx.ca, ...options });
    t.after(() => socket.terminate());
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const opened = new Promise((resolve) => socket.once("open", () => resolve("open")).once("error", (error) => resolve(error.message)));
    return { socket, closed, opened: within(DEADLINE_MS, opened, () => "the plain wire does not open") };
  }
});
