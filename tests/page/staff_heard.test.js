/* What a member of the staff hears in a conversation, added to what they have read. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Heard } from "../../static/staff/heard.js";

const AT = (minute) => `2026-11-29T09:${String(minute).padStart(2, "0")}:00.000Z`;
const text = (seq, more = {}) => ({ id: `m${seq}`, seq, senderId: "buyer", kind: "text", text: `words ${seq}`, sentAt: AT(seq), ...more });
const room = (lastSeq, more = {}) => ({ id: "r", buyer: { id: "buyer" }, seller: { id: "seller" }, lastSeq, members: [{ userId: "buyer", readSeq: 1 }, { userId: "seller", readSeq: 2 }], ...more });
const seqsOf = ({ messages }) => messages.map(({ seq }) => seq);

test("new messages follow the end without a hole, and are only counted where an earlier part is shown", () => {
  const heard = new Heard();
  const read = { room: room(2), messages: [text(1), text(2)] };
  // The answer to one's own message may overtake the one before it.
  heard.take(text(4), read.messages);
  assert.deepEqual(seqsOf(heard.addTo(read)), [1, 2]);
  heard.take(text(3), read.messages);
  assert.deepEqual([seqsOf(heard.addTo(read)), heard.addTo(read).room.lastSeq], [[1, 2, 3, 4], 4]);
  const early = { room: room(2), messages: [text(1)] };
  assert.deepEqual([seqsOf(heard.addTo(early)), heard.addTo(early).room.lastSeq], [[1], 4]);
  assert.deepEqual(seqsOf(heard.addTo({ room: room(0), messages: [] })), []);
  // Added to what has it already, it changes nothing.
  assert.deepEqual(heard.addTo(heard.addTo(read)), heard.addTo(read));
});

test("an edit and a removal show what was said before, once, and what a sender has deleted is gone", () => {
  const heard = new Heard();
  const read = { room: room(2), messages: [text(1), text(2)] };
  const edit = text(1, { text: "edited", editedAt: AT(10) });
  heard.take(edit, read.messages);
  heard.take(edit, read.messages);
  const edits = [{ text: "words 1", replacedAt: AT(10) }];
  assert.deepEqual(heard.addTo(read).messages[0], { ...edit, edits });
  const { edits: none, ...removal } = { ...edit, text: undefined, deletedAt: AT(11), removedBy: "marketplace" };
  heard.take(removal, read.messages);
  assert.deepEqual(heard.addTo(read).messages[0], { ...removal, edits, beforeRemoval: edit });
  const deletion = text(2, { text: undefined, deletedAt: AT(12) });
  heard.take(deletion, read.messages);
  assert.deepEqual(heard.addTo(read).messages[1], deletion);
  // A slow answer does not bring it back.
  heard.take(text(2), read.messages);
  assert.deepEqual(heard.addTo(read).messages[1], deletion);
});

test("what was read later counts where it is newer", () => {
  const heard = new Heard();
  heard.take(text(1, { text: "edited", editedAt: AT(10) }), [text(1)]);
  const later = text(1, { text: "edited again", editedAt: AT(11), edits: [{ text: "first", replacedAt: AT(10) }] });
  assert.deepEqual(heard.addTo({ room: room(1), messages: [later] }).messages, [later]);
});

test("who of the staff is there, the offer that stands, and how far each has read follow from what is heard", () => {
  const heard = new Heard();
  const mina = { id: "mina", name: "Mina" };
  const notice = (seq, code) => text(seq, { senderId: "system", kind: "system", data: { code, params: mina } });
  const offer = (seq, status, at) => text(seq, { kind: "offer", data: { amount: 5, currency: "EUR", status, statusAt: AT(at) } });
  const read = { room: room(2, { staff: [mina] }), messages: [notice(1, "support_joined"), text(2)] };
  const stands = () => heard.addTo(read).room.offer?.status;
  heard.take(offer(3, "pending", 3), read.messages);
  assert.equal(stands(), "pending");
  heard.take(offer(3, "accepted", 4), read.messages);
  assert.equal(stands(), "accepted");
  heard.take(offer(3, "released", 5), read.messages);
  assert.equal(stands(), undefined);
  heard.take(notice(4, "support_left"), read.messages);
  assert.deepEqual(heard.addTo(read).room.staff, []);
  heard.take(notice(5, "support_joined"), read.messages);
  assert.deepEqual(heard.addTo(read).room.staff, [mina]);
  heard.takeRead("buyer", 5);
  heard.takeRead("buyer", 4);
  assert.deepEqual(heard.addTo(read).room.members.map(({ readSeq }) => readSeq), [5, 2]);
});
