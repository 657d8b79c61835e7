/* How a conversation is arranged for the eye. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { deliveryOf } from "../../packages/client/src/receipts.js";
import { arrange, isNews } from "../../packages/components/src/ui/arrange.js";

const START = Date.parse("2026-03-01T12:00:00Z");

/** Messages a minute apart: `me` is the reader. @param {string} senders such as "me other me" */
function conversation(senders) {
  return senders.split(" ").map((senderId, index) => ({ id: `m${index + 1}`, seq: index + 1, senderId, kind: senderId === "system" ? "system" : "text", text: "x", sentAt: new Date(START + index * 60_000).toISOString() }));
}

const context = ({ othersReadSeq = 0, othersDeliveredSeq = 0, ...more }) => ({
  ownUserId: "me",
  stateOf: ({ seq, senderId }) => (senderId === "me" ? deliveryOf(seq, { readSeq: othersReadSeq, deliveredSeq: othersDeliveredSeq }) : undefined),
  unread: [],
  groupKeys: new Map(),
  ...more,
});
const linesOf = (blocks) => blocks.flatMap((block) => block.lines ?? []);
const draft = (clientId, state) => ({ clientId, roomId: "r", text: "x", createdAt: new Date(START + 3_600_000).toISOString(), order: 1, state });

test("each state is said once, at the last message that has it", () => {
  const said = (othersReadSeq, drafts = []) =>
    linesOf(arrange(conversation("me me other me other me"), drafts, context({ othersReadSeq })))
      .filter(({ showsState }) => showsState)
      .map(({ key, state }) => `${key} ${state}`);
  assert.deepEqual(said(0), ["m6 sent"]);
  assert.deepEqual(said(4), ["m4 read", "m6 sent"]);
  assert.deepEqual(said(6), ["m6 read"]);
  assert.deepEqual(said(6, [draft("d1", "sending"), draft("d2", "sending")]), ["m6 read", "d2 sending"]);
});

test("what has reached the other's device and what they have read are two states", () => {
  const said = (othersReadSeq, othersDeliveredSeq) =>
    linesOf(arrange(conversation("me me other me other me"), [], context({ othersReadSeq, othersDeliveredSeq })))
      .filter(({ showsState }) => showsState)
      .map(({ key, state }) => `${key} ${state}`);
  assert.deepEqual(said(0, 5), ["m4 delivered", "m6 sent"]);
  assert.deepEqual(said(2, 4), ["m2 read", "m4 delivered", "m6 sent"]);
  assert.deepEqual(said(2, 6), ["m2 read", "m6 delivered"]);
  assert.deepEqual(said(6, 6), ["m6 read"]);
  assert.deepEqual(said(0, undefined), ["m6 sent"], "a server that knows no such mark");
});

test("the line stands above the first unread message, whatever it is, and says how many there are", () => {
  const kinds = (unreadFrom) => {
    const messages = conversation("other me other system other");
    const unread = messages.filter((message) => message.seq >= unreadFrom && isNews(message, "me"));
    return arrange(messages, [], context({ unread })).map(({ kind, count, lines }) => (kind === "new" ? `new ${count}` : (lines?.map(({ key }) => key).join() ?? kind)));
  };
  assert.deepEqual(kinds(3), ["day", "m1", "m2", "new 3", "m3", "system", "m5"]);
  assert.deepEqual(kinds(4), ["day", "m1", "m2", "m3", "new 2", "system", "m5"]);
  assert.deepEqual(kinds(6), ["day", "m1", "m2", "m3", "system", "m5"]);
});

test("what one did oneself is no news", () => {
  assert.equal(isNews({ kind: "system", senderId: "system", data: { about: "me" } }, "me"), false);
  assert.equal(isNews({ kind: "system", senderId: "system", data: { about: "other" } }, "me"), true);
  assert.equal(isNews({ kind: "text", senderId: "other", data: { about: "me" } }, "me"), true);
});

test("a group keeps its elements while it grows at its top", () => {
  const groupKeys = new Map();
  const messages = conversation("other other other");
  const [, late] = arrange(messages.slice(1), [], context({ groupKeys }));
  const [, whole] = arrange(messages, [], context({ groupKeys }));
  assert.equal(whole.key, late.key);
  assert.equal(whole.lines.length, 3);
});
