import assert from "node:assert/strict";
import { test } from "node:test";
import { installed, ScriptedWire, stopTime } from "./support/live.js";

/* What the client says by itself of what has reached this device. `tests/page/receipts.test.js` has the times. */

const { library } = await installed();

const turn = () => new Promise(setImmediate);
const message = (seq, senderId = "them") => ({ id: `m${seq}`, roomId: "r", seq, senderId, kind: "text", text: "x", sentAt: "2030-01-01T00:00:00.000Z" });
const users = { buyer: { id: "me", name: "Me" }, seller: { id: "them", name: "Them" } };
const item = { id: "r", roomId: "r", ...users, product: {}, createdAt: "", other: users.seller, lastSeq: 1, readSeq: 1, deliveredSeq: 1, unread: 0, closed: false };

/** A client of somebody who has one room with one message, which is read. Time stands still for it. */
async function setUp(t, answers, lastSeq = 1) {
  stopTime(t);
  const entered = { room: { id: "r", ...users, product: {}, createdAt: "" }, members: [{ ...users.buyer, readSeq: 1, deliveredSeq: 1 }, users.seller], lastSeq, readSeq: 1, messages: [message(lastSeq)], closed: false, hasMore: false };
  const wire = new ScriptedWire({ enterRoom: () => ({ ...entered, serverTime: "2030-01-01T00:00:00.000Z" }), delivered: ({ seq }) => ({ deliveredSeq: seq }), read: ({ seq }) => ({ readSeq: seq }), ...answers });
  const fetch = async (url) => Response.json(url.includes("/rooms?") ? { items: [item] } : { rooms: 0, messages: 0 });
  const client = new library.HaggleClient({ userId: "me", baseUrl: "https://chat.example", fetchToken: () => "token", fetch, wire: wire.wire });
  t.after(() => client.close());
  client.connect();
  await client.whenOpen();
  await client.inbox.load();
  const push = (event, data) => wire.last.pushed({ event, data: { roomId: "r", ...data } });
  /** What was said of marks, in its order. */
  const said = () => wire.last.sent.filter(({ event }) => event === "delivered" || event === "read").map(({ event, data }) => `${event} ${data.seq}`);
  return { client, push, said, enter: async () => (client.room("r").enter(), await client.room("r").whenEntered()) };
}

test("a message that is read as it comes is said to have come first, and at the same time as one that is not read", async (t) => {
  const { client, push, said, enter } = await setUp(t);
  await enter();
  const room = client.room("r");
  room.on("received", (messages) => room.markRead(messages.at(-1).seq));
  push("message", message(2));
  assert.deepEqual(said(), ["delivered 2", "read 2"]);
  await turn();
  push("roomUpdated", { ...item, lastSeq: 2, deliveredSeq: 2, readSeq: 2 });
  push("message", message(3, "me"));
  t.mock.timers.tick(5_000);
  assert.deepEqual(said(), ["delivered 2", "read 2"], "one's own messages have reached oneself");
});

test("what another tab has said or read meanwhile is not said again", async (t) => {
  const { push, said, enter } = await setUp(t);
  await enter();
  for (const [event, first] of [["delivered", 2], ["read", 4]]) {
    push("roomUpdated", { ...item, lastSeq: first });
    push("roomUpdated", { ...item, lastSeq: first + 1 });
    push(event, { userId: "me", seq: first + 1 });
    t.mock.timers.tick(1_000);
  }
  assert.deepEqual(said(), ["delivered 2", "delivered 4"]);
  // The other member's marks say nothing of this device.
  push("read", { userId: "them", seq: 6 });
  push("roomUpdated", { ...item, lastSeq: 6 });
  assert.deepEqual(said(), ["delivered 2", "delivered 4", "delivered 6"]);
});

test("a room where it is forbidden, as under room tokens, is asked again when it is entered", async (t) => {
  let isEntered = false;
  const { push, said, enter } = await setUp(t, {
    delivered: ({ seq }) => {
      if (!isEntered) throw { code: "forbidden", message: "no" };
      return { deliveredSeq: seq };
    },
  }, 4);
  for (const lastSeq of [2, 3, 4]) {
    push("roomUpdated", { ...item, lastSeq });
    await turn();
    t.mock.timers.tick(1_000);
  }
  assert.deepEqual(said(), ["delivered 2"]);
  isEntered = true;
  await enter();
  assert.deepEqual(said(), ["delivered 2", "delivered 4"]);
  t.mock.timers.tick(1_000);
  push("message", message(5));
  assert.deepEqual(said(), ["delivered 2", "delivered 4", "delivered 5"]);
});
