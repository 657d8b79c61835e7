import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { now } from "../socket_io/support/token.js";
import { until } from "../socket_io/support/waiting.js";
import { enter, failure, Haggle, installed, makeClient, when, WIRES } from "./support/live.js";

/* The installed package against the real server, on both wires. */

const { haggle, library } = await installed();

/** A room about a product with a price. */
async function pricedRoom(server = haggle) {
  const room = await server.room();
  const [, number] = room.seller.id.split("-");
  const productId = `product-${number}`;
  await server.service("PUT", `/products/${productId}`, { sellerId: room.seller.id, title: "A red bike", price: 12900, currency: "USD" });
  return { ...room, productId };
}

/** A PNG of one colour, `size` pixels wide and high. */
function png(size) {
  const crcs = Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n) >>> 0);
  const crc = (bytes) => (bytes.reduce((c, byte) => crcs[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.concat(Array.from({ length: size }, () => Buffer.concat([Buffer.from([0]), Buffer.alloc(size * 3, 0x80)])));
  return new Blob([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

for (const wire of Object.keys(WIRES)) {
  const pair = async (t, room, server = haggle) => {
    const [buyer, seller] = [room.buyer, room.seller].map((user) => makeClient(t, library, server, user, { wire }));
    return { buyer, seller, bought: await enter(buyer, room.id), sold: await enter(seller, room.id) };
  };

  test(`${wire}: a conversation with data, typing, presence, read marks, an edit and a deletion`, async (t) => {
    const room = await haggle.room();
    const { buyer, seller, bought, sold } = await pair(t, room);
    // A seller hears of a buyer with the first message.
    for (const [client, rooms] of [[buyer, [room.id]], [seller, []]]) {
      await client.inbox.load();
      assert.deepEqual(client.inbox.items.map(({ id }) => id), rooms);
    }
    assert.equal(buyer.protocol, wire === "plain" ? "haggle.v1" : undefined);
    await when(bought, "change", () => bought.other.online, "the seller is online");
    assert.deepEqual([bought.info.id, bought.other.id, sold.other.id], [room.id, room.seller.id, room.buyer.id]);

    bought.setTyping(true);
    await when(sold, "change", () => sold.otherIsTyping, "typing");
    const data = { place: [37.5, 127], note: "🚲", nested: { null: null } };
    const clientId = bought.send({ text: "Is it still there?", data });
    assert.deepEqual(bought.drafts.map(({ state, text }) => [state, text]), [["sending", "Is it still there?"]]);
    const received = await when(sold, "change", () => sold.messages.find(({ text }) => text === "Is it still there?"));
    assert.deepEqual([received.data, received.clientId, received.seq, sold.otherIsTyping], [data, clientId, 1, false]);
    await when(bought, "change", () => bought.drafts.length === 0 && bought.messages.length === 1, "acknowledged");

    await when(seller.inbox, "change", () => seller.inbox.unread === 1, "one unread message");
    assert.deepEqual(seller.inbox.items.map(({ id }) => id), [room.id]);
    sold.markRead(1);
    await when(bought, "change", () => bought.other.readSeq === 1, "the read mark");
    await when(seller.inbox, "change", () => seller.inbox.unread === 0, "nothing unread");

    const edited = await bought.edit(received.id, "Is it still available?");
    assert.ok(bought.isEditable(edited) && !sold.isEditable(edited));
    await when(sold, "change", () => sold.messages[0].text === "Is it still available?" && sold.messages[0].editedAt, "the edit");
    await bought.delete(received.id);
    await when(sold, "change", () => sold.messages[0].deletedAt && sold.messages[0].text === undefined, "the deletion");

    sold.leave();
    await when(bought, "change", () => !bought.other.online, "the seller has left");
    assert.ok(Math.abs(buyer.clock.now() - Date.now()) < 5_000);
  });

  test(`${wire}: an offer, its counter-offer, the acceptance, and the one who comes second`, async (t) => {
    const room = await pricedRoom();
    const { buyer, seller, bought, sold } = await pair(t, room);
    const offer = await bought.offer({ amount: 11000, currency: "USD" });
    assert.deepEqual([offer.kind, offer.data.status, offer.data.amount], ["offer", "pending", 11000]);
    await when(sold, "change", () => sold.messages.some(({ id }) => id === offer.id), "the offer");
    const standing = { messageId: offer.id, senderId: room.buyer.id, amount: 11000, currency: "USD", status: "pending", expiresAt: offer.data.expiresAt };
    assert.deepEqual([bought.standingOffer, sold.standingOffer], [standing, standing]);
    await when(seller.inbox, "change", () => seller.inbox.get(room.id)?.offer?.messageId === offer.id, "the offer in the list");
    // Somebody who comes later knows it, too.
    const later = await enter(makeClient(t, library, haggle, room.seller, { wire }), room.id);
    assert.deepEqual(later.standingOffer, standing);
    const countered = await sold.answerOffer(offer.id, "counter", 12000);
    assert.equal(countered.data.status, "countered");
    const counter = await when(bought, "change", () => bought.messages.find(({ kind, data, senderId }) => kind === "offer" && data.status === "pending" && senderId === room.seller.id));
    assert.equal(bought.standingOffer.messageId, counter.id);
    assert.equal((await bought.answerOffer(counter.id, "accept")).data.status, "accepted");
    assert.equal(bought.standingOffer.status, "accepted");
    await when(seller.inbox, "change", () => seller.inbox.get(room.id)?.product.status === "reserved", "the product is reserved");
    const late = await failure(sold.answerOffer(counter.id, "withdraw"));
    assert.deepEqual([late.code, late.isTransient], ["conflict", false]);
    assert.match(late.hint, /changed/);
    assert.equal((await seller.rest.setProductStatus(room.productId, "sold")).status, "sold");
    await when(bought, "change", () => bought.messages.some(({ kind, data }) => kind === "system" && data.params.status === "sold"), "the notice");
    // Only the seller undoes an acceptance.
    await seller.rest.setProductStatus(room.productId, "on_sale");
    for (const side of [bought, sold]) await when(side, "change", () => side.standingOffer === undefined, "no offer stands");
    assert.equal((await failure(buyer.rest.openRoom("nothing"))).code, "not_found");
  });

  test(`${wire}: an image has whole addresses, and words are found`, async (t) => {
    const room = await haggle.room();
    const { buyer, bought, sold } = await pair(t, room);
    const options = { text: "The scratch on the saddle", clientId: library.newClientId() };
    const image = await bought.sendImage(png(40), options);
    assert.equal((await bought.sendImage(png(40), options)).id, image.id, "sent twice, stored once");
    const seen = await when(sold, "change", () => sold.messages.find(({ kind }) => kind === "image"));
    assert.ok(seen.data.url.startsWith(`${haggle.url}/api/v1/images/`), seen.data.url);
    for (const url of [seen.data.url, seen.data.thumbnailUrl]) {
      const response = await fetch(url);
      assert.deepEqual([response.status, response.headers.get("content-type")], [200, "image/jpeg"]);
    }
    await sold.reload(seen.seq);
    assert.ok(sold.messages[0].data.url.startsWith(haggle.url));
    const { items } = await buyer.rest.search("scratch saddle");
    assert.deepEqual(items.map(({ message }) => message.id), [image.id]);
    assert.ok(items[0].message.data.url.startsWith(haggle.url));
    assert.ok(items[0].snippet.some(({ hit, text }) => hit && text === "scratch"));
    assert.match((await failure(bought.sendImage(new Blob(["GIF89a"])))).message, /GIF/);
  });

  test(`${wire}: a message is sent, delivered and read, and somebody who went was seen`, async (t) => {
    const room = await haggle.room();
    const { buyer, seller, bought, sold } = await pair(t, room);
    await when(bought, "change", () => bought.other.online, "the seller is online");
    sold.leave();
    await when(bought, "change", () => bought.other.online === false, "the seller has left");
    assert.ok(Math.abs(Date.parse(bought.other.lastSeenAt) - bought.now()) < 120_000, bought.other.lastSeenAt);
    bought.send("Hello?");
    // The seller's client is in no room, and says by itself what its list has heard of.
    await when(bought, "change", () => bought.messages.at(-1) && bought.deliveryOf(bought.messages.at(-1)) === "delivered", "delivered");
    const item = await when(buyer.inbox, "change", () => buyer.inbox.get(room.id)?.other.deliveredSeq === 1 && buyer.inbox.get(room.id));
    assert.deepEqual([buyer.inbox.deliveryOf(item), item.other.readSeq], ["delivered", 0]);
    await seller.rest.markRead(room.id, 1);
    await when(bought, "change", () => bought.deliveryOf(bought.messages[0]) === "read", "read");
    assert.deepEqual(await seller.rest.markDelivered(room.id, 1), { deliveredSeq: 1 });
    assert.equal(bought.deliveryOf({ ...bought.messages[0], senderId: room.seller.id }), undefined, "of one's own alone");
    assert.deepEqual(await seller.request("delivered", { roomId: room.id, seq: 99 }), { deliveredSeq: 1 });
  });

  test(`${wire}: blocks, switches and reports`, async (t) => {
    const room = await haggle.room();
    const { buyer, seller, bought, sold } = await pair(t, room);
    assert.deepEqual(await buyer.rest.setSettings({ readReceipts: false }), { readReceipts: false, typing: true, presence: true, deliveryReceipts: true, lastSeen: true });
    assert.equal((await seller.rest.report({ roomId: room.id, category: "other", text: "…" })).id.length > 0, true);
    await seller.rest.block(room.buyer.id);
    await when(bought, "change", () => bought.closed, "closed");
    const clientId = bought.send("Hello?");
    const draft = await when(bought, "change", () => bought.drafts.find(({ state }) => state === "failed"));
    assert.deepEqual([draft.clientId, draft.errorCode], [clientId, "blocked"]);
    assert.equal(await seller.rest.hasBlocked(room.buyer.id), true);
    await seller.rest.unblock(room.buyer.id);
    await when(bought, "change", () => !bought.closed, "open again");
    bought.retry(clientId);
    await when(sold, "change", () => sold.messages.some((message) => message.clientId === clientId), "what was tried again");
    await when(bought, "change", () => bought.drafts.length === 0, "acknowledged");
  });

  test(`${wire}: what is written while the server is killed is there once and in order, and so is what was missed`, async (t) => {
    const server = await Haggle.start();
    t.after(() => server.stop());
    const room = await server.room();
    const { buyer, bought, sold } = await pair(t, room, server);
    for (let number = 1; number <= 5; number++) bought.send(`${number}`);
    await when(sold, "change", () => sold.messages.length > 0, "the first one");
    await server.kill();
    await when(buyer, "state", () => buyer.state !== "open", "the loss");
    for (let number = 6; number <= 10; number++) bought.send(`${number}`);
    assert.ok(bought.drafts.length >= 5);
    await server.restart();
    const texts = Array.from({ length: 10 }, (_, index) => `${index + 1}`);
    await when(sold, "change", () => sold.messages.length === 10, "all ten");
    await when(bought, "change", () => bought.drafts.length === 0, "all acknowledged");
    for (const one of [bought, sold]) {
      assert.deepEqual(one.messages.map(({ text }) => text), texts);
      assert.deepEqual(one.messages.map(({ seq }) => seq), texts.map(Number));
    }
  });

  test(`${wire}: a drain is announced, and its clients come back by themselves`, async (t) => {
    const server = await Haggle.start();
    t.after(() => server.stop());
    const room = await server.room();
    const { buyer, bought } = await pair(t, room, server);
    const announced = new Promise((resolve) => buyer.on("draining", resolve));
    await server.drain();
    assert.ok((await announced).reconnectInMs >= 100);
    await server.restart();
    await buyer.whenOpen();
    bought.send("back");
    await when(bought, "change", () => bought.messages.some(({ text }) => text === "back"), "the message");
  });

  test(`${wire}: a token that expires is replaced by the callback, before the server ends the connection and after it`, async (t) => {
    const room = await haggle.room();
    let fetched = 0;
    // The first one lives for a second by its own times, so that it is renewed after the shortest time.
    const early = makeClient(t, library, haggle, room.buyer, {
      wire,
      fetchToken: () => haggle.token(room.buyer.id, ++fetched === 1 ? { iat: now() - 1, exp: now() } : {}),
    });
    const states = [];
    early.on("state", (state) => states.push(state));
    // This one is all but dead: with the server's leeway of 30 s, it has two seconds left.
    let given = 0;
    const late = makeClient(t, library, haggle, room.seller, {
      wire,
      fetchToken: ({ signal }) => {
        assert.ok(signal instanceof AbortSignal);
        return haggle.token(room.seller.id, ++given === 1 ? { iat: now() - 3600, exp: now() - 28 } : {});
      },
    });
    const ends = [];
    late.on("error", ({ code }) => ends.push(code));
    const [, sold] = await Promise.all([enter(early, room.id), enter(late, room.id)]);
    await when(late, "state", () => given === 2 && late.state === "open", "the second token");
    assert.deepEqual(ends, ["token_expired"]);
    early.room(room.id).send("after the renewal");
    await when(sold, "change", () => sold.messages.length === 1, "the room is entered again");
    await until(() => fetched === 2, "the renewal");
    await early.request("heartbeat", {});
    assert.deepEqual(states, ["connecting", "open"]);
  });

  test(`${wire}: who may not enter or come back hears why, once`, async (t) => {
    const room = await haggle.room();
    const stranger = await haggle.stranger();
    const client = makeClient(t, library, haggle, stranger, { wire });
    client.connect();
    await client.whenOpen();
    client.room(room.id).enter();
    const refused = await failure(client.room(room.id).whenEntered());
    assert.deepEqual([refused.code, client.room(room.id).error], ["forbidden", refused]);
    const stopped = new Promise((resolve) => client.on("stopped", resolve));
    await haggle.service("DELETE", `/users/${stranger.id}`).catch(() => {});
    assert.equal((await stopped).code, "forbidden");
    assert.equal((await failure(client.whenOpen())).code, "forbidden");
    assert.deepEqual([client.state, client.error.code], ["closed", "forbidden"]);
  });

  test(`${wire}: where the server asks for room tokens, the client fetches and shows them`, async (t) => {
    const server = await Haggle.start(["--authorize", "room-token"]);
    t.after(() => server.stop());
    const room = await server.room();
    const sender = makeClient(t, library, server, room.buyer, { wire, roomTokens: true });
    // Without having entered.
    sender.room(room.id).send("no entry needed");
    sender.connect();
    const sold = await enter(makeClient(t, library, server, room.seller, { wire, roomTokens: true }), room.id);
    await when(sold, "change", () => sold.messages.some(({ text }) => text === "no entry needed"), "the message");
    sold.send("and back");
    await when(sold, "change", () => sold.messages.length === 2 && sold.drafts.length === 0, "the answer");
    assert.equal((await server.history(room)).length, 2);
    const stranger = makeClient(t, library, server, await server.stranger(), { wire, roomTokens: true });
    stranger.connect();
    await stranger.whenOpen();
    stranger.room(room.id).enter();
    assert.equal((await failure(stranger.room(room.id).whenEntered())).code, "forbidden");
  });
}

test("a limit says when the next try can succeed", async (t) => {
  const server = await Haggle.start(["--max-requests-per-second", "1"]);
  t.after(() => server.stop());
  const room = await server.room();
  const client = makeClient(t, library, server, room.buyer);
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => client.rest.getMe().catch((error) => error)));
  const refused = outcomes.find((outcome) => outcome instanceof library.HaggleError);
  assert.deepEqual([refused.code, refused.status, refused.isTransient], ["rate_limited", 429, true]);
  assert.ok(refused.retryAfterMs > 0);
});

test("a server whose answer to a request is lost has stored it once", async (t) => {
  const room = await haggle.room();
  const client = makeClient(t, library, haggle, room.buyer);
  const clientId = library.newClientId();
  const [first, second] = [await client.rest.sendMessage(room.id, { text: "Hello", clientId }), await client.rest.sendMessage(room.id, { text: "Hello", clientId })];
  assert.equal(first.id, second.id);
  assert.equal((await haggle.history(room)).length, 1);
});

test("lists go on page by page", async (t) => {
  const buyer = await haggle.stranger();
  for (let number = 0; number < 3; number++) await haggle.roomOf(buyer.id);
  const client = makeClient(t, library, haggle, buyer);
  const first = await client.rest.listRooms({ limit: 2 });
  const second = await client.rest.listRooms({ limit: 2, cursor: first.nextCursor });
  assert.deepEqual([first.items.length, second.items.length, second.nextCursor], [2, 1, undefined]);
  const [room] = first.items;
  for (let number = 1; number <= 60; number++) await client.rest.sendMessage(room.id, { text: `${number}` });
  const entered = await enter(client, room.id);
  assert.deepEqual([entered.messages.length, entered.timeline.hasOlder], [50, true]);
  await entered.loadOlder();
  assert.deepEqual(entered.messages.map(({ text }) => text), Array.from({ length: 60 }, (_, index) => `${index + 1}`));
});
