import assert from "node:assert/strict";
import { test } from "node:test";
import { AsyncMemoryStorage, enter, Haggle, installed, makeClient, MemoryStorage, ScriptedWire, stopTime, when, WIRES } from "./support/live.js";

/* Messages that the server has not acknowledged, of one user in several tabs: they share a storage, as tabs of a browser share
   `localStorage`; `BroadcastChannel` is Node's own, and locks are the package's. */

const { haggle, library } = await installed();

/** A connection that never opens, as in a tab without a network. */
const offline = () => ({ request() {}, notify() {}, close() {} });

/** The real wire, from which no answer to a message comes back. */
const mute = () => (token, events) => {
  const line = WIRES.plain(library, haggle.url)(token, { ...events, pushed: () => {} });
  return { ...line, request: (event, data, answered) => line.request(event, data, event === "message" ? () => {} : answered) };
};

const tab = (t, user, storage, wire, more = {}) => {
  const client = makeClient(t, library, haggle, user, { storage, ...more });
  if (!wire) return client;
  client.close();
  const other = new library.HaggleClient({ userId: user.id, baseUrl: haggle.url, fetchToken: () => haggle.token(user.id), storage, wire, ...more });
  t.after(() => other.close());
  return other;
};

const texts = async (room) => (await haggle.history(room)).map(({ text }) => text);

test("what one tab wrote without a network, another one sends", async (t) => {
  const room = await haggle.room();
  const storage = new MemoryStorage();
  const [away, online] = [tab(t, room.buyer, storage, offline), tab(t, room.buyer, storage)];
  away.connect();
  const here = await enter(online, room.id);
  const there = away.room(room.id);
  for (const text of ["1", "2", "3"]) there.send(text);
  await when(here, "change", () => here.messages.length === 3, "three messages");
  await when(there, "change", () => there.drafts.length === 0, "the other tab knows");
  assert.deepEqual(await texts(room), ["1", "2", "3"]);
  assert.equal(storage.length, 0);
});

test("what a closed tab left behind, the next one sends, in order", async (t) => {
  const room = await haggle.room();
  const storage = new MemoryStorage();
  const closed = tab(t, room.buyer, storage, offline);
  closed.connect();
  for (let number = 1; number <= 20; number++) closed.room(room.id).send({ text: `${number}`, data: { number } });
  closed.close();
  assert.equal(storage.length, 20);
  const next = tab(t, room.buyer, storage);
  const there = next.room(room.id);
  // Before the first connection, so that the first view has them.
  assert.deepEqual(there.drafts.map(({ text }) => text), Array.from({ length: 20 }, (_, index) => `${index + 1}`));
  next.connect();
  await when(there, "change", () => there.drafts.length === 0, "all acknowledged");
  const history = await haggle.history(room);
  assert.deepEqual(history.map(({ text, data }) => [text, data.number]), Array.from({ length: 20 }, (_, index) => [`${index + 1}`, index + 1]));
  assert.equal(storage.length, 0);
});

test("a tab that dies between the commit and its acknowledgement leaves a message that is stored once", async (t) => {
  const room = await haggle.room();
  const storage = new MemoryStorage();
  const dying = tab(t, room.buyer, storage, mute());
  const online = tab(t, room.buyer, storage);
  const here = await enter(online, room.id);
  dying.connect();
  await dying.whenOpen();
  dying.room(room.id).send("once");
  // It is stored, and its tab waits for an answer under the lock.
  await when(here, "change", () => here.messages.length === 1, "the message");
  dying.close();
  await when(here, "change", () => here.drafts.length === 0, "nothing waits");
  here.send("afterwards");
  await when(here, "change", () => here.messages.length === 2, "the next one");
  assert.deepEqual(await texts(room), ["once", "afterwards"]);
  assert.equal(storage.length, 0);
});

test("a tab that dies before its message is sent loses it to the tab that waits for its lock", async (t) => {
  const room = await haggle.room();
  const storage = new MemoryStorage();
  const wire = new ScriptedWire();
  const dying = tab(t, room.buyer, storage, wire.wire, { fetch: async () => Response.json({ items: [] }) });
  const online = tab(t, room.buyer, storage);
  const here = await enter(online, room.id);
  dying.connect();
  await dying.whenOpen();
  dying.room(room.id).send("1");
  dying.room(room.id).send("2");
  await when(here, "change", () => here.drafts.length === 2, "the other tab knows them");
  assert.deepEqual(await texts(room), []);
  dying.close();
  await when(here, "change", () => here.messages.length === 2 && here.drafts.length === 0, "both");
  assert.deepEqual(await texts(room), ["1", "2"]);
  assert.equal(storage.length, 0);
});

test("two tabs that write at the same time over kills of the server lose nothing and double nothing", async (t) => {
  const server = await Haggle.start();
  t.after(() => server.stop());
  const room = await server.room();
  const storage = new MemoryStorage();
  const tabs = ["a", "b"].map((name) => ({ name, client: makeClient(t, library, server, room.buyer, { storage }) }));
  for (const one of tabs) one.room = await enter(one.client, room.id);
  for (let number = 1; number <= 30; number++) {
    for (const { name, room } of tabs) room.send(`${name}${number}`);
    if (number === 10) await server.kill();
    if (number === 20) await server.restart();
  }
  for (const { room } of tabs) await when(room, "change", () => room.drafts.length === 0 && room.messages.length === 60, "all sixty");
  const history = (await server.history(room)).map(({ text }) => text);
  assert.equal(new Set(history).size, 60);
  assert.equal(history.length, 60);
  for (const name of ["a", "b"]) {
    assert.deepEqual(history.filter((text) => text.startsWith(name)), Array.from({ length: 30 }, (_, index) => `${name}${index + 1}`));
  }
  assert.equal(storage.length, 0);
});

test("a failed message is seen in every tab, and each of them may try again or give it up", async (t) => {
  const room = await haggle.room();
  const storage = new MemoryStorage();
  const [one, other] = [tab(t, room.buyer, storage), tab(t, room.buyer, storage)];
  const [here, there] = [await enter(one, room.id), await enter(other, room.id)];
  const seller = makeClient(t, library, haggle, room.seller);
  await seller.rest.block(room.buyer.id);
  const clientIds = [here.send("Hello?"), here.send("Anybody?")];
  await when(there, "change", () => there.drafts.filter(({ errorCode }) => errorCode === "blocked").length === 2, "both failed");
  await seller.rest.unblock(room.buyer.id);
  there.discard(clientIds[1]);
  there.retry(clientIds[0]);
  await when(here, "change", () => here.drafts.length === 0 && here.messages.length === 1, "one is sent, one is given up");
  assert.deepEqual(await texts(room), ["Hello?"]);
});

test("React Native's storage answers later, and loses nothing either", async (t) => {
  const room = await haggle.room();
  const storage = new AsyncMemoryStorage();
  const closed = tab(t, room.buyer, storage, offline);
  closed.connect();
  for (const text of ["1", "2"]) closed.room(room.id).send(text);
  closed.close();
  const next = tab(t, room.buyer, storage);
  const there = await enter(next, room.id);
  there.send("3");
  await when(there, "change", () => there.messages.length === 3 && there.drafts.length === 0, "all three");
  assert.deepEqual([...(await texts(room))].sort(), ["1", "2", "3"]);
  assert.deepEqual(await storage.getAllKeys(), []);
  // Nothing stays either where somebody signs out before it has answered.
  const left = tab(t, room.buyer, storage, offline);
  left.room(room.id).send("4");
  const signedOut = tab(t, room.buyer, storage, offline);
  signedOut.close({ forget: true });
  await new Promise(setImmediate);
  assert.deepEqual(await storage.getAllKeys(), []);
});

test("users do not see each other's, and what is not the outbox's own in the storage is left alone", async (t) => {
  const room = await haggle.room();
  const storage = new MemoryStorage();
  storage.setItem("theme", "dark");
  storage.setItem("haggle.outbox/a/broken", "{");
  storage.setItem("haggle.outbox/a/foreign", "7");
  const client = (userId) => {
    const client = new library.HaggleClient({ userId, baseUrl: haggle.url, fetchToken: () => "", storage, wire: offline });
    t.after(() => client.close());
    return client;
  };
  client("a").room(room.id).send("of a");
  client("a/b").room(room.id).send("of a/b");
  assert.deepEqual(client("a").room(room.id).drafts.map(({ text }) => text), ["of a"]);
  assert.deepEqual(client("a/b").room(room.id).drafts.map(({ text }) => text), ["of a/b"]);
  client("a").close({ forget: true });
  assert.deepEqual(client("a").room(room.id).drafts, []);
  assert.equal(client("a/b").room(room.id).drafts.length, 1);
  assert.equal(storage.getItem("theme"), "dark");
});

test("a storage that is full or forbidden costs no message", async (t) => {
  const room = await haggle.room();
  const refuse = () => {
    throw new Error("QuotaExceededError");
  };
  const storage = { getItem: refuse, setItem: refuse, removeItem: refuse, key: refuse, length: 1 };
  const there = await enter(tab(t, room.buyer, storage), room.id);
  there.send("Hello");
  await when(there, "change", () => there.messages.length === 1 && there.drafts.length === 0, "the message");
});

test("data is sent as it was when it was written, and what is no JSON is the caller's fault at once", async (t) => {
  const room = await haggle.room();
  const there = await enter(tab(t, room.buyer, new MemoryStorage()), room.id);
  const data = { count: 1 };
  there.send({ data });
  data.count = 2;
  const cycle = {};
  cycle.self = cycle;
  assert.throws(() => there.send({ text: "cycle", data: cycle }), TypeError);
  const message = await when(there, "change", () => there.messages[0]);
  assert.deepEqual([message.data, there.drafts], [{ count: 1 }, []]);
});

test("the given locks are used, and one that is never granted is not waited for beyond 15 s", async (t) => {
  const room = await haggle.room();
  stopTime(t);
  const wire = new ScriptedWire({ message: ({ text, clientId }) => ({ id: "m", roomId: room.id, seq: 1, senderId: room.buyer.id, kind: "text", text, clientId, sentAt: new Date().toISOString() }) });
  const asked = [];
  const locks = {
    request: (name, { signal }) => {
      asked.push(name);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const client = tab(t, room.buyer, new MemoryStorage(), wire.wire, { locks, fetch: async () => Response.json({ items: [] }) });
  client.connect();
  await client.whenOpen();
  const there = client.room(room.id);
  there.send("Hello");
  await when({ on: (_, look) => (setImmediate(look), () => {}) }, "", () => asked.length === 1, "the lock is asked for");
  t.mock.timers.tick(14_999);
  assert.equal(wire.sent("message").length, 0);
  t.mock.timers.tick(1);
  await new Promise(setImmediate);
  assert.deepEqual(wire.sent("message").map(({ data }) => data.text), ["Hello"]);
  assert.match(asked[0], new RegExp(room.id));
});
