/* What the client says has reached this device. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { deliveryOf, Receipts } from "../../packages/client/src/receipts.js";

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
  /** What is said within so many milliseconds. */
  const said = (ms) => {
    asked.length = 0;
    t.mock.timers.tick(ms);
    return [...asked];
  };
  return { connection, item, said };
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

test("a burst is said once per room and second, with its newest message", (t) => {
  const { item, said } = setUp(t);
  for (let seq = 1; seq <= 5; seq++) item("bike", seq, 0);
  item("lamp", 9, 8);
  assert.deepEqual(said(999), []);
  assert.deepEqual(said(1), [["delivered", "bike", 5], ["delivered", "lamp", 9]]);
  assert.deepEqual(said(5_000), []);
  item("bike", 6, 5);
  assert.deepEqual(said(1_000), [["delivered", "bike", 6]]);
});

test("what the server knows is not said: it was read here, or has reached another device", (t) => {
  const { item, said } = setUp(t);
  item("bike", 5, 5);
  item("lamp", 5, 0);
  item("lamp", 6, 4);
  item("desk", 5, 0);
  item("desk", 5, 5);
  assert.deepEqual(said(1_000), [["delivered", "lamp", 6]]);
});

test("many rooms are said some at a time", (t) => {
  const { item, said } = setUp(t);
  for (let room = 0; room < 25; room++) item(`room-${room}`, 1, 0);
  assert.deepEqual([said(1_000).length, said(1_000).length, said(1_000).length, said(1_000).length], [10, 10, 5, 0]);
});

test("nothing is said to a server that knows no such mark, nor without a connection", (t) => {
  const { connection, item, said } = setUp(t);
  item("bike", 5, undefined);
  assert.deepEqual(said(1_000), []);
  item("bike", 5, 0);
  connection.state = "reconnecting";
  assert.deepEqual(said(1_000), []);
  connection.state = "open";
  assert.deepEqual(said(1_000), [], "the list is read again with the connection");
});

test("a refusal is nobody's trouble, and the room's next message says it again", async (t) => {
  const { connection, item, said } = setUp(t);
  const { request } = connection;
  connection.request = (...asked) => request(...asked).then(() => Promise.reject(new Error("rate_limited")));
  item("bike", 5, 0);
  assert.deepEqual(said(1_000), [["delivered", "bike", 5]]);
  await null;
  item("bike", 6, 0);
  assert.deepEqual(said(1_000), [["delivered", "bike", 6]]);
});
