import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askWell, CLIENTS, connect, connected, Ear, enter, next } from "./support/client.js";
import { Haggle } from "./support/haggle.js";

/* What the notes' frontend does, with every client over each transport. */

let haggle;
before(async () => (haggle = await Haggle.start()));
after(() => haggle?.stop());

for (const client of CLIENTS) {
  test(`${client.name}: the flow of the notes`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);

    const socket = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token });
    socket.emit("enterRoom", room.id);
    const ear = new Ear(socket);
    socket.emit("message", "Is it still for sale?");

    const message = await ear.hears("message");
    assert.deepEqual(await seller.ear.hears("message"), message);
    const { id, sentAt, ...rest } = message;
    assert.deepEqual(rest, { roomId: room.id, seq: 1, senderId: room.buyer.id, kind: "text", text: "Is it still for sale?" });
    assert.equal(typeof id, "string");
    assert.match(sentAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

    seller.emit("message", "It is.");
    await ear.hears("message", ({ text }) => text === "It is.");
    await seller.ear.hears("message", ({ text }) => text === "It is.");
    assert.deepEqual(ear.texts, ["Is it still for sale?", "It is."]);
    assert.deepEqual(seller.ear.texts, ear.texts);
    assert.deepEqual([ear.all("error"), ear.all("connect_error")], [[], []]);
  });

  test(`${client.name}: messages keep their order, also through the upgrade`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);
    const buyer = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token });
    const texts = Array.from({ length: 40 }, (_, index) => `message ${index + 1}`);
    buyer.emit("enterRoom", room.id);
    const acknowledged = texts.map((text) => askWell(buyer, "message", text));
    await connected(buyer);
    const { engine } = buyer.io;
    if (!client.transports && engine.transport.name !== "websocket") await next(engine, "upgrade");
    texts.push("the last");
    acknowledged.push(askWell(buyer, "message", "the last"));

    const stored = await Promise.all(acknowledged);
    assert.deepEqual(stored.map(({ seq, text }) => [seq, text]), texts.map((text, index) => [index + 1, text]));
    await seller.ear.hears("message", ({ text }) => text === "the last");
    assert.deepEqual(seller.ear.texts, texts);
    assert.equal(engine.transport.name, client.transports?.[0] ?? "websocket");
  });

  test(`${client.name}: every event is acknowledged with {ok, data} or {ok, error}`, async (t) => {
    const room = await haggle.room();
    const buyer = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token });

    const entered = await ask(buyer, "enterRoom", { roomId: room.id });
    assert.deepEqual(Object.keys(entered).sort(), ["data", "ok"]);
    const { data } = entered;
    assert.equal(entered.ok, true);
    assert.equal(data.room.id, room.id);
    assert.deepEqual(data.members.map(({ id, online }) => [id, online]).sort(), [[room.buyer.id, true], [room.seller.id, false]]);
    assert.deepEqual([data.lastSeq, data.readSeq, data.messages], [0, 0, []]);

    const sent = await askWell(buyer, "message", { text: "hello", clientId: "one" });
    assert.deepEqual([sent.seq, sent.text, sent.clientId], [1, "hello", "one"]);
    assert.deepEqual(await askWell(buyer, "message", { text: "hello", clientId: "one" }), sent);
    assert.deepEqual(await askWell(buyer, "read", { roomId: room.id, seq: 1 }), { readSeq: 1 });
    assert.deepEqual((await askWell(buyer, "enterRoom", { roomId: room.id, after: 0 })).messages, [sent]);

    for (const [event, data] of [["message", { text: 7 }], ["enterRoom", { room: 1 }], ["noSuchEvent", {}], ["message"]]) {
      const answer = await ask(buyer, event, ...(data === undefined ? [] : [data]));
      assert.deepEqual(Object.keys(answer).sort(), ["error", "ok"], `${event} ${JSON.stringify(data)}`);
      assert.deepEqual([answer.ok, answer.error.code, typeof answer.error.message], [false, "invalid", "string"]);
    }
    assert.deepEqual(await askWell(buyer, "leaveRoom", room.id), {});
  });

  test(`${client.name}: an event that fails without an acknowledgement says so in an error event`, async (t) => {
    const room = await haggle.room();
    const buyer = await enter(t, client, haggle, room, room.buyer);
    buyer.emit("message", { text: "x".repeat(20_000) });
    const error = await buyer.ear.hears("error");
    assert.deepEqual([error.code, error.event, typeof error.message], ["too_large", "message", "string"]);
    assert.ok(buyer.connected);
  });

  test(`${client.name}: a stranger is refused, and so is who asks for a room that does not exist`, async (t) => {
    const room = await haggle.room();
    const buyer = await enter(t, client, haggle, room, room.buyer);
    const stranger = connect(t, client, `${haggle.url}/chat`, { token: (await haggle.stranger()).token });
    const ear = new Ear(stranger);

    const refused = await ask(stranger, "enterRoom", room.id);
    assert.deepEqual([refused.ok, refused.error.code], [false, "forbidden"]);
    assert.deepEqual(await ask(stranger, "enterRoom", "no-such-room"), refused);
    assert.deepEqual((await ask(stranger, "message", { roomId: room.id, text: "let me in" })).error.code, "forbidden");

    await askWell(buyer, "message", "among us");
    // An answered request is the barrier: whatever was sent before it has arrived.
    await ask(stranger, "enterRoom", room.id);
    const ofTheRoom = ["message", "presence", "read", "typing", "roomUpdated"];
    assert.deepEqual(ear.events.filter((event) => ofTheRoom.includes(event)), []);
    assert.deepEqual(buyer.ear.texts, ["among us"]);
  });

  test(`${client.name}: two namespaces stand on one connection`, async (t) => {
    const room = await haggle.room();
    const manager = new client.Manager(haggle.url, { ...(client.transports && { transports: client.transports }) });
    const auth = { token: room.seller.token };
    const [inbox, chat] = ["/inbox", "/chat"].map((namespace) => manager.socket(namespace, { auth }));
    t.after(() => manager._close());
    const [inboxEar, chatEar] = [new Ear(inbox), new Ear(chat)];
    await Promise.all([inboxEar.hears("connect"), chatEar.hears("connect")]);
    const { engine } = manager;
    assert.notEqual(chat.id, inbox.id);
    assert.notEqual(chat.id, engine.id);

    // The inbox hears of a room that nobody entered here.
    const buyer = await enter(t, client, haggle, room, room.buyer);
    const sent = await askWell(buyer, "message", "Is it still for sale?");
    const updated = await inboxEar.hears("roomUpdated", ({ roomId, unread }) => roomId === room.id && unread === 1);
    assert.deepEqual(updated.lastMessage, sent);
    await askWell(chat, "enterRoom", room.id);
    await askWell(chat, "message", "It is.");
    await inboxEar.hears("roomUpdated", ({ lastMessage }) => lastMessage?.text === "It is.");
    assert.deepEqual([inboxEar.texts, chatEar.texts], [[], ["It is."]]);

    assert.deepEqual(await inboxEar.hears("presence", ({ userId }) => userId === room.buyer.id), { roomId: room.id, userId: room.buyer.id, online: true });

    // One leaves, the other stays, over the same connection.
    inbox.disconnect();
    await askWell(chat, "message", "Are you there?");
    assert.ok(chat.connected);
    inbox.connect();
    await connected(inbox);
    await askWell(chat, "leaveRoom", room.id);
    assert.ok(manager.engine === engine && engine.readyState === "open", "still the first connection");
  });
}
