import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askWell, CLIENTS, connect, connected, Ear, enter, NEWEST, next, VERSIONS } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { Proxy } from "./support/proxy.js";
import { now } from "./support/token.js";
import { within } from "./support/waiting.js";

/* What the official client does that surprises servers. Reconnection and recovery have files of their own. */

let haggle;
before(async () => (haggle = await Haggle.start()));
after(() => haggle?.stop());

/** A token lives on for a leeway of at most 30 s. */
const EXPIRY_DEADLINE_MS = 45_000;

for (const client of CLIENTS) {
  test(`${client.name}: what was typed offline leaves before enterRoom, and reaches the room`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);
    const buyer = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token, autoConnect: false });
    buyer.on("connect", () => buyer.emit("enterRoom", room.id));
    const acknowledged = askWell(buyer, "message", "typed offline 1");
    buyer.emit("message", "typed offline 2");
    buyer.emit("message", { roomId: room.id, text: "typed offline 3" });
    buyer.connect();
    assert.equal((await acknowledged).text, "typed offline 1");
    await seller.ear.hears("message", () => seller.ear.texts.length === 3);
    assert.deepEqual(seller.ear.texts.filter((text) => !text.endsWith("3")), ["typed offline 1", "typed offline 2"]);
    assert.ok(seller.ear.texts.includes("typed offline 3"));
  });

  test(`${client.name}: a message with its roomId needs no room entered`, async (t) => {
    const room = await haggle.room();
    const buyer = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token });
    const ear = new Ear(buyer);
    const stored = await askWell(buyer, "message", { roomId: room.id, text: "typed offline" });
    assert.equal(stored.seq, 1);
    await askWell(buyer, "enterRoom", { roomId: room.id, after: 1 });
    assert.deepEqual(ear.texts, [], "it had not entered when it was sent");
  });

  test(`${client.name}: a flood ends with an error event and a DISCONNECT, and the client stays away`, async (t) => {
    const room = await haggle.room();
    const flooding = await enter(t, client, haggle, room, room.buyer);
    const other = await enter(t, client, haggle, room, room.seller);
    for (let index = 0; index < 5000; index++) flooding.emit("typing", { roomId: room.id, typing: index % 2 === 0 });
    assert.equal(await flooding.ear.hears("disconnect"), "io server disconnect");
    const error = flooding.ear.all("error").at(-1);
    assert.deepEqual([error.code, typeof error.retryAfterMs], ["rate_limited", "number"]);
    assert.equal(flooding.ear.events.at(-1), "disconnect");
    assert.equal(flooding.active ?? false, false);
    await askWell(other, "message", "unhurt");
  });
}

test("a user who is removed hears it, and stays away until they come by hand", async (t) => {
  for (const client of CLIENTS) {
    const room = await haggle.room();
    const buyer = await enter(t, client, haggle, room, room.buyer);
    const inbox = await connected(buyer.io.socket("/inbox", { auth: { token: room.buyer.token } }));
    const inboxEar = new Ear(inbox);
    await haggle.endSessions(room.buyer.id);
    for (const ear of [buyer.ear, inboxEar]) {
      assert.equal(await ear.hears("disconnect"), "io server disconnect", client.name);
      assert.equal(ear.all("error").at(-1).code, "forbidden", client.name);
    }
    assert.equal(buyer.active ?? false, false);
    buyer.connect();
    await connected(buyer);
  }
});

test("a message without a room waits for enterRoom only so long", async (t) => {
  const room = await haggle.room();
  const buyer = connect(t, NEWEST, `${haggle.url}/chat`, { token: room.buyer.token });
  assert.equal((await ask(buyer, "message", "to nowhere")).error.code, "not_in_room");
  await askWell(buyer, "enterRoom", room.id);
  assert.equal((await askWell(buyer, "message", "to somewhere")).seq, 1);
});

test("an expired token ends the connection with an error event and a DISCONNECT, unless a fresh one came first", async (t) => {
  const room = await haggle.room();
  await Promise.all(
    CLIENTS.map(async (client) => {
      const token = haggle.token(room.buyer.id, { exp: now() + 1 });
      const options = { auth: { token }, token: undefined };
      const expiring = connect(t, client, `${haggle.url}/chat`, options);
      const renewed = connect(t, client, `${haggle.url}/chat`, options);
      const [ear, renewedEar] = [new Ear(expiring), new Ear(renewed)];
      await Promise.all([connected(expiring), connected(renewed)]);
      const { expiresAt } = await askWell(renewed, "authenticate", { token: room.buyer.token });
      assert.ok(Date.parse(expiresAt) > Date.now() + 60_000);

      assert.equal(await ear.hears("disconnect", undefined, EXPIRY_DEADLINE_MS), "io server disconnect", client.name);
      assert.deepEqual(ear.events.slice(-2), ["error", "disconnect"], client.name);
      assert.equal(ear.all("error").at(-1).code, "token_expired", client.name);
      assert.equal(expiring.active ?? false, false, client.name);
      // The other one had the same token from the start, and is older.
      await askWell(renewed, "enterRoom", room.id);
      assert.deepEqual(renewedEar.all("disconnect"), [], client.name);
      // By hand it may come back, with a better token.
      expiring.auth = { token: room.buyer.token };
      expiring.connect();
      await connected(expiring);
    }),
  );
});

test("`auth` as a function is called at each connect, as an object it goes out stale", async (t) => {
  for (const client of VERSIONS) {
    const room = await haggle.room();
    let calls = 0;
    const asFunction = connect(t, client, `${haggle.url}/chat`, {
      auth: (answer) => answer({ token: haggle.token(room.buyer.id, { jti: String(++calls) }) }),
    });
    const stale = haggle.token(room.buyer.id);
    const asObject = connect(t, client, `${haggle.url}/chat`, { auth: { token: stale } });
    await Promise.all([connected(asFunction), connected(asObject)]);
    assert.equal(calls, 1);
    asObject.auth.token = haggle.token(room.buyer.id, { exp: now() - 60 });
    const refused = next(asObject, "connect_error");
    const again = next(asFunction, "connect");
    asFunction.io.engine.close();
    asObject.io.engine.close();
    await again;
    assert.equal(calls, 2);
    assert.deepEqual((await refused).data, { code: "token_expired" });
    await askWell(asFunction, "enterRoom", room.id);
  }
});

for (const client of CLIENTS.filter(({ recovers }) => recovers)) {
  test(`${client.name}: \`retries\` sends the same arguments again, and the clientId keeps them one message`, async (t) => {
    const room = await haggle.room();
    const proxy = await Proxy.start(t, haggle.url);
    const seller = await enter(t, NEWEST, haggle, room, room.seller);
    const buyer = connect(t, client, `${proxy.url}/chat`, { token: room.buyer.token, retries: 50, ackTimeout: 300 });
    await connected(buyer);
    if (!client.transports && buyer.io.engine.transport.name !== "websocket") await next(buyer.io.engine, "upgrade");

    let attempts = 0;
    buyer.onAnyOutgoing((event) => event === "message" && attempts++);
    proxy.holdAnswers();
    const answers = ["first", "second"].map(
      (text) => new Promise((resolve) => buyer.emit("message", { roomId: room.id, text, clientId: text }, (error, answer) => resolve(answer ?? error))),
    );
    await seller.ear.hears("message", ({ text }) => text === "first");
    await within(10_000, (async () => {
      while (attempts < 2) await new Promise((resolve) => buyer.io.engine.once("packetCreate", resolve));
    })(), () => "no second attempt");
    proxy.releaseAnswers();
    const [first, second] = await Promise.all(answers);
    assert.deepEqual([first.data?.seq, second.data?.seq], [1, 2], JSON.stringify([first, second]));
    await askWell(seller, "message", "the barrier");
    assert.deepEqual(seller.ear.texts, ["first", "second", "the barrier"]);
    assert.deepEqual((await haggle.history(room)).map(({ text }) => text), ["first", "second", "the barrier"]);
  });
}

test("a `timeout` on the client does not mean that a message was not stored", async (t) => {
  for (const { io, version } of VERSIONS) {
    const room = await haggle.room();
    const proxy = await Proxy.start(t, haggle.url);
    const seller = await enter(t, NEWEST, haggle, room, room.seller);
    const buyer = connect(t, { io, transports: ["websocket"] }, `${proxy.url}/chat`, { token: room.buyer.token });
    await connected(buyer);
    proxy.holdAnswers();
    const draft = { roomId: room.id, text: "stored all the same", clientId: "one" };
    const error = await new Promise((resolve) => buyer.timeout(300).emit("message", draft, resolve));
    assert.match(String(error), /timed out/, version);
    const { seq } = await seller.ear.hears("message");
    proxy.releaseAnswers();
    assert.equal((await askWell(buyer, "message", draft)).seq, seq, "sent again it is the same message");
    await askWell(seller, "message", "the barrier");
    assert.deepEqual(seller.ear.texts, ["stored all the same", "the barrier"]);
  }
});

test("presence counts sessions: one of two that ends changes nothing", async (t) => {
  const room = await haggle.room();
  const seller = await enter(t, NEWEST, haggle, room, room.seller);
  const [phone, desk] = [await enter(t, CLIENTS[1], haggle, room, room.buyer), await enter(t, CLIENTS[2], haggle, room, room.buyer)];
  await seller.ear.hears("presence", ({ online }) => online);
  phone.disconnect();
  const { members } = await askWell(desk, "enterRoom", room.id);
  assert.equal(members.find(({ id }) => id === room.buyer.id).online, true);
  desk.disconnect();
  await seller.ear.hears("presence", ({ online }) => !online);
  assert.deepEqual(seller.ear.all("presence").map(({ online }) => online), [true, false]);
});

test("a connection that is cut in the middle of a request ends that session alone", async (t) => {
  const room = await haggle.room();
  const seller = await enter(t, NEWEST, haggle, room, room.seller);
  for (const client of CLIENTS) {
    const proxy = await Proxy.start(t, haggle.url);
    const buyer = await enter(t, client, { url: proxy.url }, room, room.buyer);
    // The official client that is cut while it has paused its polls for the upgrade notices it at its ping timeout alone.
    if (!client.transports && buyer.io.engine.transport.name !== "websocket") await next(buyer.io.engine, "upgrade");
    const lost = next(buyer, "disconnect");
    const back = next(buyer, "connect");
    for (let index = 0; index < 5; index++) buyer.emit("message", { text: "cut", clientId: `${client.name} ${index}` });
    await proxy.cutUntil(lost);
    assert.match(await lost, /transport (close|error)/, client.name);
    await back;
    await askWell(buyer, "enterRoom", room.id);
    await askWell(buyer, "message", `${client.name} is back`);
    await seller.ear.hears("message", ({ text }) => text === `${client.name} is back`);
    buyer.disconnect();
  }
});
