import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askWell, CLIENTS, enter } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { PlainClient } from "./support/plain_client.js";

/* A seller on the plain wire and a buyer on Socket.IO are in one room, and cannot tell. */

let haggle;
before(async () => (haggle = await Haggle.start()));
after(() => haggle?.stop());

for (const client of CLIENTS) {
  test(`${client.name}: a buyer talks with a seller on plain JSON`, async (t) => {
    const room = await haggle.room();
    const seller = await PlainClient.open(t, haggle.url, room.seller.token);
    await seller.askWell("enterRoom", room.id);
    const buyer = await enter(t, client, haggle, room, room.buyer);
    assert.deepEqual(buyer.entered.members.map(({ online }) => online), [true, true]);
    const presence = { roomId: room.id, userId: room.buyer.id, online: true };
    assert.deepEqual(await seller.hears("presence"), presence);

    const asked = await askWell(buyer, "message", "Is it still for sale?");
    assert.deepEqual(await seller.hears("message"), asked);
    const answered = await seller.askWell("message", "It is.");
    assert.deepEqual(await buyer.ear.hears("message", ({ seq }) => seq === 2), answered);
    // Answering counts as reading.
    assert.deepEqual(await buyer.ear.hears("read"), { roomId: room.id, userId: room.seller.id, seq: 2 });

    seller.say("typing", { roomId: room.id, typing: true });
    assert.deepEqual(await buyer.ear.hears("typing"), { roomId: room.id, userId: room.seller.id, typing: true });
    buyer.emit("typing", { roomId: room.id, typing: true });
    assert.deepEqual(await seller.hears("typing"), { roomId: room.id, userId: room.buyer.id, typing: true });
    await askWell(buyer, "read", { roomId: room.id, seq: 2 });
    assert.deepEqual(await seller.hears("read", ({ userId }) => userId === room.buyer.id), { roomId: room.id, userId: room.buyer.id, seq: 2 });

    const edited = await seller.askWell("editMessage", { messageId: answered.id, text: "It was." });
    assert.deepEqual(await buyer.ear.hears("messageUpdated"), edited);
    const updates = await buyer.ear.hears("roomUpdated", ({ lastSeq }) => lastSeq === 2);
    assert.equal(updates.roomId, room.id);
    buyer.disconnect();
    const { lastSeenAt, ...gone } = await seller.hears("presence", ({ online }) => !online);
    assert.deepEqual([gone, typeof lastSeenAt], [{ ...presence, online: false }, "string"]);
  });
}

test("anyone who is muted is told so, and until when, on both wires", async (t) => {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  for (const client of CLIENTS) {
    const room = await haggle.room();
    await haggle.mute(room.buyer, room, until);
    const plain = await PlainClient.open(t, haggle.url, room.buyer.token);
    const socket = await enter(t, client, haggle, room, room.buyer);
    const said = { roomId: room.id, text: "but" };
    const { error } = await ask(socket, "message", said);
    assert.deepEqual([error.code, error.until], ["muted", until], client.name);
    assert.deepEqual((await plain.ask("message", said)).error, error);
    socket.emit("message", said);
    const notice = await socket.ear.hears("error");
    assert.deepEqual([notice.code, notice.until, notice.event], ["muted", until, "message"]);
  }
});

test("a failed event has the same error on both wires", async (t) => {
  const room = await haggle.room();
  const plain = await PlainClient.open(t, haggle.url, room.seller.token);
  const socket = await enter(t, CLIENTS[0], haggle, room, room.buyer);
  await plain.askWell("enterRoom", room.id);
  for (const [event, data] of [
    ["enterRoom", "no-such-room"],
    ["enterRoom", {}],
    ["message", { text: "x".repeat(20_000) }],
    ["message", { text: 7 }],
    ["message", { text: "x", clientId: "x".repeat(65) }],
    ["read", { seq: -1 }],
    ["editMessage", { messageId: "none", text: "x" }],
    ["authenticate", { token: "x" }],
    ["noSuchEvent", {}],
  ]) {
    const { error } = await ask(socket, event, data);
    assert.deepEqual(error, (await plain.ask(event, data)).error, `${event} ${JSON.stringify(data).slice(0, 60)}`);
  }
});
