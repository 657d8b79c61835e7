/* What the client says has reached this device. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Inbox } from "../../packages/client/src/inbox.js";
import { deliveryOf, Receipts } from "../../packages/client/src/receipts.js";

/** Until the answers to what was asked have been heard. */
const turn = () => new Promise(setImmediate);

/** A connection that keeps what it is asked. @param {import("node:test").TestContext} t */
function setUp(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  const connection = {
    state: "open",
    request: (event, data) => {
      asked.push([event, data.roomId, data.seq]);
      return Promise.resolve({ deliveredSeq: data.seq });
    },
  };
  const receipts = new Receipts(connection);
  const item = (id, lastSeq, deliveredSeq) => receipts.take({ id, lastSeq, deliveredSeq });
  /** What was said since it was asked last, and in so many milliseconds from now. */
  const said = (ms) => {
    t.mock.timers.tick(ms);
    return asked.splice(0);
  };
  return { connection, receipts, item, said };
}

test("the state of a message follows from the other's marks", () => {
  const states = (marks) => [1, 2, 3].map((seq) => deliveryOf(seq, marks));
  assert.deepEqual(states({ readSeq: 1, deliveredSeq: 2 }), ["read", "delivered", "sent"]);
  assert.deepEqual(states({ readSeq: 0, deliveredSeq: 3 }), ["delivered", "delivered", "delivered"]);
  // Read receipts alone are shared.
  assert.deepEqual(states({ readSeq: 2, deliveredSeq: 0 }), ["read", "read", "sent"]);
  assert.deepEqual(states({}), ["sent", "sent", "sent"]);
  assert.deepEqual(states(undefined), ["sent", "sent", "sent"]);
});

test("the list says of one's own last message how far it has come, and of nobody else's", () => {
  const inbox = new Inbox({});
  const stateOf = (lastMessage) => inbox.deliveryOf({ other: { id: "them", readSeq: 0, deliveredSeq: 9 }, lastMessage: { seq: 9, kind: "text", ...lastMessage } });
  assert.equal(stateOf({ senderId: "me" }), "delivered");
  assert.equal(stateOf({ senderId: "them" }), undefined);
  assert.equal(stateOf({ senderId: "system", kind: "system" }), undefined);
  assert.equal(stateOf({ senderId: "mina", sender: { id: "mina", name: "Mina", role: "staff" } }), undefined, "somebody of the staff");
});

test("the first message is said at once, and what follows within a second at its end, with the newest one", (t) => {
  const { item, said } = setUp(t);
  item("bike", 1, 0);
  assert.deepEqual(said(0), [["delivered", "bike", 1]]);
  for (let seq = 2; seq <= 5; seq++) item("bike", seq, 0);
  assert.deepEqual(said(999), []);
  assert.deepEqual(said(1), [["delivered", "bike", 5]]);
  item("bike", 6, 5);
  assert.deepEqual(said(999), [], "once per second");
  assert.deepEqual(said(1), [["delivered", "bike", 6]]);
  said(1_000);
  item("bike", 7, 6);
  assert.deepEqual(said(0), [["delivered", "bike", 7]], "after a quiet second it is a first one again");
});

test("a message is said at once, before the list has heard of it, and the list says it no second time", (t) => {
  const { receipts, item, said } = setUp(t);
  receipts.arrive("bike", 4);
  assert.deepEqual(said(5_000), [], "a room that is not in the list may be one of a server without marks");
  item("bike", 4, 4);
  receipts.arrive("bike", 5);
  assert.deepEqual(said(0), [["delivered", "bike", 5]]);
  // It was composed before the server had stored the mark.
  item("bike", 5, 4);
  assert.deepEqual(said(5_000), []);
});

test("what the server knows is not said: it was read here, or has reached another device", (t) => {
  const { receipts, item, said } = setUp(t);
  item("bike", 5, 5);
  item("lamp", 5, 0);
  assert.deepEqual(said(0), [["delivered", "lamp", 5]]);
  item("lamp", 7, 5);
  item("lamp", 7, 7);
  assert.deepEqual(said(5_000), []);
  // Another tab says it, or reads it, while this one waits.
  item("lamp", 8, 7);
  item("lamp", 9, 7);
  receipts.know("lamp", 9);
  assert.deepEqual(said(5_000), [["delivered", "lamp", 8]]);
  receipts.know("desk", 3);
  item("desk", 3, 0);
  assert.deepEqual(said(5_000), []);
});

test("many rooms take two events per second of the user's, and each has its turn", (t) => {
  const { item, said } = setUp(t);
  for (let room = 0; room < 5; room++) item(`room-${room}`, 1, 0);
  const rooms = (ms) => said(ms).map(([, roomId, seq]) => `${roomId} ${seq}`);
  assert.deepEqual(rooms(0), ["room-0 1", "room-1 1"]);
  // The busiest ones don't keep the others from theirs.
  for (const room of [0, 1]) item(`room-${room}`, 2, 0);
  assert.deepEqual(rooms(999), []);
  assert.deepEqual([rooms(1), rooms(1_000), rooms(1_000), rooms(1_000)], [["room-2 1", "room-3 1"], ["room-4 1", "room-0 2"], ["room-1 2"], []]);
});

test("nothing is said to a server that knows no such mark, nor without a connection", (t) => {
  const { connection, item, said } = setUp(t);
  item("bike", 5, undefined);
  assert.deepEqual(said(1_000), []);
  connection.state = "waiting";
  item("bike", 5, 0);
  assert.deepEqual(said(1_000), []);
  connection.state = "open";
  assert.deepEqual(said(1_000), [], "the list is read again with the connection");
  item("bike", 5, 0);
  assert.deepEqual(said(0), [["delivered", "bike", 5]]);
  item("bike", 6, 0);
  connection.state = "waiting";
  assert.deepEqual(said(1_000), []);
});

test("what fails is said again with the list or the next message, at most once per second", async (t) => {
  const { connection, item, said } = setUp(t);
  const { request } = connection;
  connection.request = (...asked) => request(...asked).then(() => Promise.reject({ code: "rate_limited" }));
  item("bike", 5, 0);
  assert.deepEqual(said(0), [["delivered", "bike", 5]]);
  await turn();
  assert.deepEqual(said(5_000), [], "not by itself");
  for (const seq of [5, 6]) {
    item("bike", seq, 0);
    assert.deepEqual(said(1_000), [["delivered", "bike", seq]]);
    await turn();
  }
});

test("a room where it is forbidden is not asked again until it is entered", async (t) => {
  const { connection, receipts, item, said } = setUp(t);
  const { request } = connection;
  connection.request = (...asked) => request(...asked).then(() => Promise.reject({ code: "forbidden" }));
  item("bike", 5, 0);
  assert.deepEqual(said(0), [["delivered", "bike", 5]]);
  await turn();
  connection.request = request;
  item("bike", 6, 0);
  receipts.arrive("bike", 7);
  receipts.know("bike", 6);
  assert.deepEqual(said(5_000), []);
  item("lamp", 1, 0);
  assert.deepEqual(said(5_000), [["delivered", "lamp", 1]], "others are");
  receipts.enter("lamp", 1);
  assert.deepEqual(said(5_000), [], "what is known stays so");
  receipts.enter("bike", 7);
  assert.deepEqual(said(0), [["delivered", "bike", 7]]);
});
