import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { askWell, CLIENTS, connect, connected, Ear, enter, NEWEST, next } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { Proxy } from "./support/proxy.js";
import { now } from "./support/token.js";

/* Connection state recovery: who comes back in time is where they were, and has what they missed. */

let haggle;
before(async () => (haggle = await Haggle.start()));
after(() => haggle?.stop());

/** It comes back when the test says so. */
const byHand = { reconnection: false };

/** Loses the connection as a network does, not as somebody who leaves. */
async function lose(socket) {
  const lost = next(socket, "disconnect");
  socket.io.engine.close();
  assert.equal(await lost, "forced close");
}

/** Until the newest of these is answered, everything that was sent before it has arrived. */
const barrier = (socket, room) => askWell(socket, "leaveRoom", room.id);

for (const client of CLIENTS.filter(({ recovers }) => recovers)) {
  test(`${client.name}: who comes back in time is recovered, with the messages that were missed`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);
    const buyer = await enter(t, client, haggle, room, room.buyer, byHand);
    assert.equal(buyer.recovered ?? false, false);
    await askWell(seller, "message", "heard");
    await buyer.ear.hears("message");

    await lose(buyer);
    for (const text of ["missed 1", "missed 2", "missed 3"]) await askWell(seller, "message", text);
    buyer.connect();
    await connected(buyer);
    assert.equal(buyer.recovered, true);
    await buyer.ear.hears("message", ({ text }) => text === "missed 3");

    // It is in the room as before: what follows arrives, and what it says without a `roomId` goes there.
    await askWell(seller, "message", "live again");
    await askWell(buyer, "message", "good to be back");
    await barrier(buyer, room);
    assert.deepEqual(buyer.ear.texts, ["heard", "missed 1", "missed 2", "missed 3", "live again", "good to be back"]);
    assert.deepEqual(buyer.ear.all("message").map(({ seq }) => seq), [1, 2, 3, 4, 5, 6]);
  });

  test(`${client.name}: recovery works before any event was received`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);
    const buyer = await enter(t, client, haggle, room, room.buyer, byHand);
    await lose(buyer);
    await askWell(seller, "message", "the very first");
    buyer.connect();
    await connected(buyer);
    assert.equal(buyer.recovered, true);
    await buyer.ear.hears("message", ({ text }) => text === "the very first");
  });

  test(`${client.name}: recovery works after a SIGKILL and restart of the server`, async (t) => {
    const room = await haggle.room();
    const buyer = await enter(t, client, haggle, room, room.buyer, byHand);
    const before = await enter(t, client, haggle, room, room.seller);
    await askWell(before, "message", "before the restart");
    await buyer.ear.hears("message");
    before.disconnect();
    const lost = next(buyer, "disconnect");
    await haggle.kill();
    await lost;
    await haggle.restart();
    const seller = await enter(t, client, haggle, room, room.seller);
    await askWell(seller, "message", "after the restart 1");
    await askWell(seller, "message", "after the restart 2");

    buyer.connect();
    await connected(buyer);
    assert.equal(buyer.recovered, true);
    await buyer.ear.hears("message", ({ text }) => text === "after the restart 2");
    await askWell(seller, "message", "live again");
    await buyer.ear.hears("message", ({ text }) => text === "live again");
    assert.deepEqual(buyer.ear.texts, ["before the restart", "after the restart 1", "after the restart 2", "live again"]);
  });
}

for (const client of CLIENTS.filter(({ recovers }) => !recovers)) {
  test(`${client.name}: a client without recovery catches up with enterRoom {after}`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);
    const buyer = await enter(t, client, haggle, room, room.buyer, byHand);
    await askWell(seller, "message", "heard");
    const { seq } = await buyer.ear.hears("message");
    await lose(buyer);
    for (const text of ["missed 1", "missed 2"]) await askWell(seller, "message", text);
    buyer.connect();
    const { messages, lastSeq, hasMore } = await askWell(buyer, "enterRoom", { roomId: room.id, after: seq });
    assert.deepEqual([messages.map(({ text }) => text), lastSeq, hasMore ?? false], [["missed 1", "missed 2"], 3, false]);
    await askWell(seller, "message", "live again");
    await barrier(buyer, room);
    assert.deepEqual(buyer.ear.texts, ["heard", "live again"]);
  });
}

test("one offset covers every room of the session, and no other room", async (t) => {
  const [first, second, other] = [await haggle.room(), await haggle.room(), await haggle.room()];
  const seat = { id: first.buyer.id, token: first.buyer.token };
  const mine = await haggle.roomOf(seat.id);
  const buyer = await enter(t, NEWEST, haggle, first, seat, byHand);
  await askWell(buyer, "enterRoom", mine.id);
  const [a, b, c, d] = [
    await enter(t, NEWEST, haggle, first, first.seller),
    await enter(t, NEWEST, haggle, mine, mine.seller),
    await enter(t, NEWEST, haggle, second, second.seller),
    await enter(t, NEWEST, haggle, other, other.seller),
  ];
  await lose(buyer);
  for (const [socket, text] of [[a, "a1"], [c, "not for you"], [b, "b1"], [a, "a2"], [d, "nor this"], [b, "b2"]]) await askWell(socket, "message", text);
  buyer.connect();
  await connected(buyer);
  assert.equal(buyer.recovered, true);
  await buyer.ear.hears("message", ({ text }) => text === "b2");
  await barrier(buyer, first);
  assert.deepEqual(buyer.ear.texts, ["a1", "b1", "a2", "b2"]);
});

test("a room that was left stays left after a recovery", async (t) => {
  const room = await haggle.room();
  const seller = await enter(t, NEWEST, haggle, room, room.seller);
  const buyer = await enter(t, NEWEST, haggle, room, room.buyer, byHand);
  await askWell(buyer, "leaveRoom", room.id);
  await lose(buyer);
  await askWell(seller, "message", "into the empty room");
  buyer.connect();
  await connected(buyer);
  await askWell(buyer, "enterRoom", { roomId: room.id, after: 1 });
  assert.deepEqual(buyer.ear.texts, []);
});

test("a recovery is authenticated like any connection", async (t) => {
  const room = await haggle.room();
  let token = room.buyer.token;
  const options = { ...byHand, auth: (answer) => answer({ token }), token: undefined };
  const buyer = connect(t, NEWEST, `${haggle.url}/chat`, options);
  const ear = new Ear(buyer);
  await askWell(buyer, "enterRoom", room.id);
  const seller = await enter(t, NEWEST, haggle, room, room.seller);

  await lose(buyer);
  token = haggle.token(room.buyer.id, { exp: now() - 60 });
  buyer.connect();
  assert.deepEqual((await ear.hears("connect_error")).data, { code: "token_expired" });

  // Somebody else with the session's secret gets a connection of their own, and nothing of the room.
  token = (await haggle.stranger()).token;
  await askWell(seller, "message", "between us");
  buyer.connect();
  await connected(buyer);
  assert.equal(buyer.recovered ?? false, false);
  await askWell(seller, "message", "still between us");
  await askWell(buyer, "leaveRoom", room.id).catch(() => {});
  assert.deepEqual(ear.texts, []);
});

test("who has left on purpose starts over", async (t) => {
  const room = await haggle.room();
  const buyer = await enter(t, NEWEST, haggle, room, room.buyer);
  const first = buyer.id;
  buyer.disconnect();
  buyer.connect();
  await connected(buyer);
  assert.equal(buyer.recovered ?? false, false);
  assert.notEqual(buyer.id, first);
});

test("a made-up recovery id, and a made-up offset, start over", async (t) => {
  const room = await haggle.room();
  const seller = await enter(t, NEWEST, haggle, room, room.seller);
  await askWell(seller, "message", "before");
  for (const made of [{ pid: "made-up", offset: "0" }, { pid: 7, offset: {} }, { pid: "x".repeat(5000), offset: "-1" }, { offset: "99999999999999999999" }, { pid: null, offset: null }]) {
    const buyer = connect(t, NEWEST, `${haggle.url}/chat`, { auth: { token: room.buyer.token, ...made } });
    const ear = new Ear(buyer);
    await connected(buyer);
    assert.equal(buyer.recovered ?? false, false, JSON.stringify(made).slice(0, 80));
    const { messages } = await askWell(buyer, "enterRoom", room.id);
    assert.deepEqual([messages.map(({ text }) => text), ear.texts], [["before"], []]);
    buyer.disconnect();
  }
});

test("a half-open old connection: the new one takes over at once, and the late end of the old changes nothing", async (t) => {
  const own = await Haggle.start(["--ping-interval", "400ms", "--ping-timeout", "400ms"]);
  try {
    for (const client of [CLIENTS[1], CLIENTS.at(-2)]) {
      const room = await own.room();
      const proxy = await Proxy.start(t, own.url);
      const seller = await enter(t, client, own, room, room.seller);
      const buyer = await enter(t, client, { url: proxy.url }, room, room.buyer, byHand);
      await seller.ear.hears("presence", ({ userId, online }) => userId === room.buyer.id && online);

      const gaveUp = proxy.freeze()();
      await lose(buyer);
      await askWell(seller, "message", "into the dead line");
      buyer.connect();
      await connected(buyer);
      if (client.recovers) assert.equal(buyer.recovered, true);
      else assert.equal((await askWell(buyer, "enterRoom", { roomId: room.id, after: 0 })).messages.length, 1);
      await askWell(seller, "message", "while both seem to be there");
      await buyer.ear.hears("message", ({ text }) => text === "while both seem to be there");

      await gaveUp;
      const { members } = await askWell(seller, "enterRoom", room.id);
      assert.equal(members.find(({ id }) => id === room.buyer.id).online, true);
      await askWell(seller, "message", "and after the old one's end");
      await buyer.ear.hears("message", ({ text }) => text === "and after the old one's end");
      assert.deepEqual(buyer.ear.texts.slice(-2), ["while both seem to be there", "and after the old one's end"]);
      assert.equal(new Set(buyer.ear.texts).size, buyer.ear.texts.length, "each once");
      assert.deepEqual(seller.ear.all("presence").filter(({ userId, online }) => userId === room.buyer.id && !online), []);
      buyer.disconnect();
      seller.disconnect();
    }
  } finally {
    await own.stop();
  }
});
