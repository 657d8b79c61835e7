import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askWell, CLIENTS, connect, connected, Ear, NEWEST, next } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { now, signToken } from "./support/token.js";

/* Who may connect at all, and how the client hears that it may not. */

let haggle;
let room;
before(async () => {
  haggle = await Haggle.start();
  room = await haggle.room();
});
after(() => haggle?.stop());

for (const client of CLIENTS) {
  test(`${client.name}: a bad, an expired and a missing token are refused, each with its code`, async (t) => {
    const { id } = room.buyer;
    const cases = {
      "no token": [undefined, "unauthenticated"],
      "an empty token": ["", "unauthenticated"],
      "not a token": ["let me in", "unauthenticated"],
      "not a string": [{ sub: id }, "unauthenticated"],
      "another secret": [signToken("another secret of thirty-two bytes or more", { sub: id }), "unauthenticated"],
      "no user": [haggle.token(undefined), "unauthenticated"],
      "an expired one": [haggle.token(id, { exp: now() - 60 }), "token_expired"],
    };
    for (const namespace of ["/chat", "/inbox"]) {
      for (const [name, [token, code]] of Object.entries(cases)) {
        const socket = connect(t, client, haggle.url + namespace, { auth: token === undefined ? {} : { token } });
        const ear = new Ear(socket);
        const error = await ear.hears("connect_error");
        assert.deepEqual([error.data, ear.events], [{ code }, ["connect_error"]], `${name} at ${namespace}`);
        assert.match(error.message, /\w/);
        if (token) assert.ok(!error.message.includes(token), "a refusal does not repeat the token");
        assert.equal(socket.active ?? false, false, "the official client does not try again by itself");
        socket.io.engine.close();
      }
    }
  });

  test(`${client.name}: an unknown namespace is refused, and the others on the connection stay`, async (t) => {
    const chat = await connected(connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token }));
    for (const namespace of ["/", "/nothing", "/chat/", "/chatter"]) {
      const socket = chat.io.socket(namespace, { auth: { token: room.buyer.token } });
      const error = await next(socket, "connect_error");
      assert.deepEqual([error.message, error.data], ["Invalid namespace", undefined], namespace);
    }
    await askWell(chat, "enterRoom", room.id);
  });

  test(`${client.name}: who was refused comes in with a good token over the same connection`, async (t) => {
    const socket = connect(t, client, `${haggle.url}/chat`, { auth: { token: "nonsense" } });
    await next(socket, "connect_error");
    socket.auth = { token: room.buyer.token };
    socket.connect();
    await connected(socket);
    await askWell(socket, "enterRoom", room.id);
  });
}

test("the token may also come as a header, and as a query parameter", async (t) => {
  for (const { transports, name } of CLIENTS.slice(0, 3)) {
    for (const options of [
      { extraHeaders: { authorization: `Bearer ${room.buyer.token}` } },
      { query: { access_token: room.buyer.token } },
      { query: { token: room.buyer.token } },
    ]) {
      const socket = connect(t, { ...NEWEST, transports }, `${haggle.url}/chat`, options);
      const ear = new Ear(socket);
      socket.emit("enterRoom", room.id);
      const answer = await Promise.race([ask(socket, "enterRoom", room.id), ear.hears("connect_error")]);
      assert.equal(answer.ok, true, `${name}: ${Object.keys(options)} ${Object.keys(options.query ?? {})}: ${answer.message}`);
    }
  }
});

test("two different tokens in one handshake are refused", async (t) => {
  const options = { extraHeaders: { authorization: `Bearer ${room.buyer.token}` } };
  const both = connect(t, NEWEST, `${haggle.url}/chat`, { ...options, token: room.seller.token });
  assert.deepEqual((await next(both, "connect_error")).data, { code: "unauthenticated" });
  const same = connect(t, NEWEST, `${haggle.url}/chat`, { ...options, token: room.buyer.token });
  await connected(same);
});
