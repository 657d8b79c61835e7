import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { enter, failure, installed, makeClient, ScriptedWire, stopTime, WebSocket, when } from "./support/live.js";

/* The client's own part: signals, tokens, what it does when it can't connect. Where no server is needed, a test plays one. */

const { haggle, library } = await installed();

const PROBLEM = (status, code) => Response.json({ code, detail: `the sentence of ${code}` }, { status });
const EMPTY = async () => Response.json({ items: [] });

/** A client without a server. */
function alone(t, options) {
  const client = new library.HaggleClient({ userId: "u", baseUrl: "https://chat.example", fetchToken: () => "token", fetch: EMPTY, ...options });
  t.after(() => client.close());
  return client;
}

const turn = () => new Promise(setImmediate);

test("a runtime without a WebSocket gets an error that says which one to pass", { skip: "WebSocket" in globalThis }, async (t) => {
  const make = (more) => new library.HaggleClient({ userId: "u", baseUrl: haggle.url, fetchToken: () => "token", ...more });
  const error = await failure((async () => make())());
  assert.deepEqual([error.name, error.code], ["HaggleError", "no_websocket"]);
  assert.match(error.message, /Node\.js.*22.*`ws`.*WebSocket/);
  assert.match(error.hint, /WebSocket/);
  // Passed by hand, it talks.
  const room = await haggle.room();
  const client = makeClient(t, library, haggle, room.buyer, { wire: "default", WebSocket });
  client.connect();
  await client.whenOpen();
  assert.equal(client.protocol, "haggle.v1");
});

test("a signal ends every kind of waiting, at once and with its reason", async (t) => {
  // It takes connections and never answers.
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.after(() => (silent.closeAllConnections(), silent.close()));
  const url = `http://127.0.0.1:${silent.address().port}`;
  const wire = new ScriptedWire();
  const client = new library.HaggleClient({ userId: "u", baseUrl: url, fetchToken: () => "token", wire: wire.wire });
  t.after(() => client.close());
  const reason = new Error("the user went elsewhere");
  const waits = {
    whenOpen: (signal) => client.whenOpen({ signal }),
    whenEntered: (signal) => client.room("r").whenEntered({ signal }),
    "a request over REST": (signal) => client.rest.search("words", { signal }),
    "an upload": (signal) => client.rest.sendImage("r", new Blob(["image"]), { signal }),
    "a page of the inbox": (signal) => client.inbox.load({ signal }),
  };
  const check = async (name, wait) => {
    for (const early of [false, true]) {
      const controller = new AbortController();
      if (early) controller.abort(reason);
      const failed = failure(wait(controller.signal));
      await turn();
      controller.abort(reason);
      const error = await failed;
      assert.ok(error instanceof library.HaggleError, `${name}: ${error}`);
      assert.deepEqual([error.code, error.cause], ["aborted", reason], name);
    }
  };
  for (const [name, wait] of Object.entries(waits)) await check(name, wait);
  client.connect();
  await client.whenOpen();
  await check("an event", (signal) => client.request("offer", { roomId: "r", amount: 1, currency: "USD" }, { signal }));
  await check("a room's method", (signal) => client.room("r").edit("m", "text", { signal }));
  assert.equal(wire.sent("offer").length, 1, "an aborted signal sends nothing");
});

test("a signal that is never used leaves no listener behind", async (t) => {
  const wire = new ScriptedWire({ read: ({ seq }) => ({ readSeq: seq }) });
  const client = alone(t, { wire: wire.wire });
  let listeners = 0;
  const { signal } = new AbortController();
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args) => (listeners++, add(...args));
  signal.removeEventListener = (...args) => (listeners--, remove(...args));
  client.connect();
  await client.whenOpen({ signal });
  for (let seq = 1; seq <= 10; seq++) await client.request("read", { seq }, { signal });
  for (let page = 1; page <= 10; page++) await client.rest.listRooms({ signal });
  await turn();
  assert.equal(listeners, 0);
});

test("an event without an answer fails with `disconnected` when the connection ends, and says what to do", async (t) => {
  const wire = new ScriptedWire();
  const client = alone(t, { wire: wire.wire });
  assert.equal((await failure(client.request("read", { seq: 1 }))).code, "disconnected");
  client.connect();
  await client.whenOpen();
  const open = failure(client.request("read", { seq: 1 }));
  wire.last.lost(1006);
  const error = await open;
  assert.deepEqual([error.code, error.isTransient], ["disconnected", true]);
  assert.match(error.hint, /same `clientId`/);
});

test("data that is no JSON fails its caller, and not the connection", async (t) => {
  const room = await haggle.room();
  const client = makeClient(t, library, haggle, room.buyer);
  await enter(client, room.id);
  assert.ok((await failure(client.request("message", { roomId: room.id, data: 1n }))) instanceof TypeError);
  await client.request("heartbeat", {});
  assert.equal(client.state, "open");
});

test("a callback that gives no token, and one that says who may not come, end the connection; any other failure is tried again", async (t) => {
  const refused = () => Promise.reject(new library.HaggleError("unauthenticated", "signed out", { status: 401 }));
  for (const [fetchToken, message] of [
    [() => undefined, /fetchToken.*undefined/],
    [async () => ({ token: "secret" }), /fetchToken.*object/],
    [() => "", /fetchToken.*empty/],
    [refused, /signed out/],
  ]) {
    const client = alone(t, { fetchToken, wire: new ScriptedWire().wire });
    client.connect();
    const error = await failure(client.whenOpen());
    assert.deepEqual([error.code, error.status, client.state], ["unauthenticated", 401, "closed"]);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
  }
  let asked = 0;
  const wire = new ScriptedWire();
  const client = alone(t, { wire: wire.wire, fetchToken: () => (++asked === 1 ? Promise.reject(new Error("the backend is down")) : "token") });
  client.connect();
  await when(client, "state", () => client.state === "waiting");
  assert.deepEqual([client.error.code, client.error.cause.message], ["unreachable", "the backend is down"]);
  client.reconnectNow();
  await client.whenOpen();
  assert.deepEqual([client.error, wire.last.token], [undefined, "token"]);
});

test("an address or a token that no WebSocket can be made with ends the connection and says so", async (t) => {
  for (const [baseUrl, token] of [
    ["https://chat.example:port", "token"],
    ["https://chat.example", "a token with blanks\n"],
  ]) {
    const client = new library.HaggleClient({ userId: "u", baseUrl, fetchToken: () => token, WebSocket });
    t.after(() => client.close());
    client.connect();
    const error = await failure(client.whenOpen());
    assert.deepEqual([error.code, client.state], ["invalid", "closed"]);
    assert.match(error.message, /`baseUrl`.*`fetchToken`/);
    assert.doesNotMatch(`${error.message} ${error.cause}`, /with blanks/);
  }
});

test("a token callback that fails while a room is entered is no unhandled failure", async (t) => {
  const failures = [];
  const note = (error) => failures.push(error);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  const wire = new ScriptedWire({
    enterRoom: () => {
      throw { code: "forbidden", message: "no" };
    },
  });
  let given = 0;
  const fetchToken = () => {
    if (++given > 1) throw new Error("the backend is down");
    return "token";
  };
  // REST refuses the first token, and there is no second one.
  const client = alone(t, { wire: wire.wire, fetchToken, fetch: async () => PROBLEM(401, "token_expired"), roomTokens: true });
  client.connect();
  await client.whenOpen();
  client.room("r").enter();
  await when(client.room("r"), "change", () => given > 1);
  await turn();
  await turn();
  assert.deepEqual(failures, []);
  client.room("r").leave();
});

test("closing aborts the request for a token that is under way", async (t) => {
  let signal;
  const client = alone(t, { wire: new ScriptedWire().wire, fetchToken: (options) => new Promise(() => (signal = options.signal)) });
  client.connect();
  await turn();
  assert.equal(signal.aborted, false);
  client.close();
  assert.equal(signal.aborted, true);
});

test("the client offers its versions of the protocol, and stops at a server that speaks none of them", async (t) => {
  assert.deepEqual(library.PROTOCOLS, ["haggle.v1"]);
  // The server chooses from what it is offered.
  const room = await haggle.room();
  const offered = [];
  class Recorded extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      offered.push(...protocols);
    }
  }
  const client = makeClient(t, library, haggle, room.buyer, { wire: "default", WebSocket: Recorded });
  client.connect();
  await client.whenOpen();
  assert.deepEqual([offered.slice(0, -1), offered.at(-1).startsWith("bearer."), client.protocol], [["haggle.v1"], true, "haggle.v1"]);

  const features = { protocols: ["haggle.v7"], features: ["images"] };
  const paths = [];
  const fetch = async (url) => (paths.push(new URL(url).pathname), Response.json(url.endsWith("/features") ? features : { id: "u", name: "U" }));
  const refused = (token, { lost }) => (queueMicrotask(() => lost(1006)), { request() {}, notify() {}, close() {} });
  const other = alone(t, { wire: refused, fetch });
  other.connect();
  const error = await failure(other.whenOpen());
  assert.equal(error.code, "unsupported_protocol");
  assert.match(error.message, /haggle\.v7.*haggle\.v1/);
  assert.match(error.hint, /Install the @haggle\/client that fits/);
  assert.deepEqual(await other.rest.getFeatures(), features);
});

test("the server says what it offers, and one from before it did offers what all of haggle.v1 do", async (t) => {
  const room = await haggle.room();
  const client = makeClient(t, library, haggle, room.buyer);
  const offered = await client.rest.getFeatures();
  assert.ok(offered.images.types.includes("image/webp") && offered.limits.messageBytesMax > 0, JSON.stringify(offered));
  const older = alone(t, { wire: () => ({ request() {}, notify() {}, close() {} }), fetch: async () => Response.json({ code: "not_found" }, { status: 404 }) });
  for (const { protocols, features } of [offered, await older.rest.getFeatures()]) {
    assert.ok(protocols.includes("haggle.v1") && features.includes("images") && features.includes("search"), `${features}`);
  }
});

test("a room is entered again before its room token expires, and after the server has said that it has", async (t) => {
  const entered = { room: { id: "r", product: {}, buyer: { id: "u" }, seller: { id: "s" }, createdAt: "" }, members: [], lastSeq: 0, readSeq: 0, messages: [], closed: false, hasMore: false };
  const wire = new ScriptedWire({
    enterRoom: ({ token }) => {
      if (!token) throw { code: "forbidden", message: "no" };
      return { ...entered, serverTime: new Date().toISOString() };
    },
  });
  // Each has less than a minute left, so that it is replaced as soon as may be: after a second.
  let issued = 0;
  // Before the client has any timers, so that all of them end with it.
  stopTime(t);
  const fetch = async (url) => (url.endsWith("/token") ? Response.json({ token: `room token ${++issued}`, expiresAt: new Date(Date.now() + 59_000).toISOString() }) : EMPTY());
  const client = alone(t, { wire: wire.wire, fetch, roomTokens: true });
  client.connect();
  await client.whenOpen();
  const room = client.room("r");
  room.enter();
  await room.whenEntered();
  const tokens = () => wire.sent("enterRoom").map(({ data }) => data.token);
  assert.deepEqual(tokens(), ["room token 1"]);
  await turn();
  t.mock.timers.tick(999);
  await turn();
  assert.equal(tokens().length, 1);
  t.mock.timers.tick(1);
  for (let turns = 0; turns < 20 && tokens().length < 2; turns++) await turn();
  assert.equal(tokens().length, 2, "in time");
  // The place in the room has ended: which room, the server does not say.
  wire.last.pushed({ event: "error", data: { code: "token_expired", message: "the room token has expired" } });
  for (let turns = 0; turns < 20 && tokens().length < 3; turns++) await turn();
  assert.deepEqual(tokens(), ["room token 1", "room token 2", "room token 3"]);
  room.leave();
});

test("silence is asked about after half of the server's ping timeout, and given up after all of it", async (t) => {
  let answering = true;
  const wire = new ScriptedWire({
    heartbeat: () => ({ serverTime: "2030-01-01T00:00:00.000Z", pingIntervalMs: 60_000, pingTimeoutMs: 400 }),
  });
  const quiet = (token, events) => {
    const line = wire.wire(token, events);
    return { ...line, request: (event, data, answered) => line.request(event, data, (answer) => answering && answered(answer)) };
  };
  const client = alone(t, { wire: quiet });
  client.connect();
  await client.whenOpen();
  await turn();
  assert.equal(new Date(client.clock.now()).getUTCFullYear(), 2030, "the server's clock, not this device's");
  answering = false;
  await when(client, "state", () => client.state === "waiting");
  assert.ok(wire.sent("heartbeat").length >= 2);
});

test("a listener that throws is reported, and the others are called all the same", async (t) => {
  const wire = new ScriptedWire();
  const client = alone(t, { wire: wire.wire });
  const heard = [];
  const reported = new Promise((resolve) => (globalThis.reportError = resolve));
  t.after(() => delete globalThis.reportError);
  client.on("draining", () => {
    throw new Error("a mistake in the page");
  });
  const off = client.on("draining", ({ reconnectInMs }) => heard.push(reconnectInMs));
  client.connect();
  await client.whenOpen();
  wire.last.pushed({ event: "draining", data: { reconnectInMs: 1 } });
  off();
  wire.last.pushed({ event: "draining", data: { reconnectInMs: 2 } });
  assert.deepEqual([(await reported).message, heard], ["a mistake in the page", [1]]);
});

test("a refused token is replaced once over REST, and a server that can't be reached says so", async (t) => {
  let fetched = 0;
  const bearers = [];
  const fetch = async (url, { headers }) => (bearers.push(headers.authorization), bearers.length === 1 ? PROBLEM(401, "token_expired") : Response.json({ id: "u", name: "U" }));
  const client = alone(t, { wire: new ScriptedWire().wire, fetch, fetchToken: () => `token ${++fetched}` });
  assert.equal((await client.rest.getMe()).id, "u");
  assert.deepEqual(bearers, ["Bearer token 1", "Bearer token 2"]);
  const refused = alone(t, { wire: new ScriptedWire().wire, fetch: async () => PROBLEM(401, "unauthenticated") });
  assert.deepEqual((({ code, message, status }) => [code, message, status])(await failure(refused.rest.getMe())), ["unauthenticated", "the sentence of unauthenticated", 401]);
  const broken = alone(t, { wire: new ScriptedWire().wire, fetch: async () => new Response("<html>", { status: 502 }) });
  assert.deepEqual((({ code, status }) => [code, status])(await failure(broken.rest.getMe())), ["internal", 502]);
  const away = alone(t, { wire: new ScriptedWire().wire, fetch: () => Promise.reject(new TypeError("fetch failed")) });
  const error = await failure(away.rest.getMe());
  assert.deepEqual([error.code, error.isTransient, error.cause.message], ["unreachable", true, "fetch failed"]);
});

/** Goes on in time until the client stops, at most a few minutes. */
async function untilStopped(t, client) {
  for (let turns = 0; turns < 3000 && client.state !== "closed"; turns++) {
    await turn();
    t.mock.timers.tick(100);
  }
  return client.error;
}

test("a client stops when the server has refused several new tokens in a row, with the server's reason", async (t) => {
  // A browser sees no more of a refused handshake than this.
  const refusing = (token, { lost }) => (queueMicrotask(() => lost(1006)), { request() {}, notify() {}, close() {} });
  const refusingSocketIo = (token, { lost, pushed }) => {
    queueMicrotask(() => (pushed({ event: "error", data: { code: "unauthenticated", message: "the sentence of unauthenticated" } }), lost(4001)));
    return { request() {}, notify() {}, close() {} };
  };
  for (const wire of [refusing, refusingSocketIo]) {
    stopTime(t);
    let fetched = 0;
    const client = alone(t, { wire, fetch: async () => PROBLEM(401, "unauthenticated"), fetchToken: () => `token ${++fetched}` });
    const stopped = [];
    client.on("stopped", ({ message }) => stopped.push(message));
    client.connect();
    const error = await untilStopped(t, client);
    assert.deepEqual([client.state, error.code, stopped], ["closed", "unauthenticated", ["the sentence of unauthenticated"]]);
    assert.ok(fetched >= 4, `${fetched} tokens`);
    t.mock.timers.reset();
  }
});

test("refused tokens stop no client whose backend makes good ones again", async (t) => {
  stopTime(t);
  let refusals = 0;
  const wire = new ScriptedWire();
  // Three refusals each time, and a connection that holds after them.
  const flaky = (token, events) => {
    if (++refusals % 4 === 0) return wire.wire(token, events);
    queueMicrotask(() => events.lost(1006));
    return { request() {}, notify() {}, close() {} };
  };
  const client = alone(t, { wire: flaky, fetch: async () => PROBLEM(401, "unauthenticated") });
  let opened = 0;
  client.on("state", () => {
    if (client.state !== "open") return;
    opened += 1;
    queueMicrotask(() => wire.last.lost(1006));
  });
  client.connect();
  for (let turns = 0; turns < 3000 && opened < 3 && client.state !== "closed"; turns++) {
    await turn();
    t.mock.timers.tick(100);
  }
  assert.deepEqual([opened, client.state === "closed"], [3, false]);
  client.close();
});

test("an `error` event while the connection is open is no reason to stop when the network is lost later", async (t) => {
  for (const code of ["forbidden", "unauthenticated"]) {
    const wire = new ScriptedWire();
    const client = alone(t, { wire: wire.wire });
    const stopped = [];
    client.on("stopped", (error) => stopped.push(error));
    client.connect();
    await client.whenOpen();
    // As for `typing` under room tokens, before the room is entered again.
    wire.last.pushed({ event: "error", data: { code, message: "no", event: "typing" } });
    wire.last.lost(1006);
    assert.deepEqual([client.state, client.error, stopped], ["waiting", undefined, []], code);
    client.reconnectNow();
    await client.whenOpen();
    assert.equal(wire.attempts.length, 2);
  }
});

test("a connection that the server ends with a reason stops with it, also after other errors", async (t) => {
  const wire = new ScriptedWire();
  const client = alone(t, { wire: wire.wire });
  client.connect();
  await client.whenOpen();
  wire.last.pushed({ event: "error", data: { code: "rate_limited", message: "slower", event: "typing" } });
  wire.last.pushed({ event: "error", data: { code: "banned", message: "the marketplace has banned you" } });
  wire.last.lost(4003);
  assert.deepEqual([client.state, client.error.code], ["closed", "banned"]);
});

test("one refused token and an outage after it stop no client", async (t) => {
  stopTime(t);
  let isDown = false;
  const wire = new ScriptedWire();
  // As over Socket.IO: a refusal has its reason, and a server that is down has none.
  const refusing = (token, events) => {
    if (isDown) queueMicrotask(() => events.lost(1006));
    else queueMicrotask(() => (events.pushed({ event: "error", data: { code: "unauthenticated", message: "no" } }), events.lost(4001)));
    return { request() {}, notify() {}, close() {} };
  };
  let isUp = false;
  let attempts = 0;
  const client = alone(t, {
    wire: (token, events) => (isUp ? wire.wire(token, events) : ((attempts += 1), refusing(token, events))),
    fetch: () => Promise.reject(new TypeError("fetch failed")),
  });
  client.on("state", () => (isDown ||= client.state === "waiting"));
  client.connect();
  for (let turns = 0; turns < 3000 && attempts < 12 && client.state !== "closed"; turns++) {
    await turn();
    t.mock.timers.tick(100);
  }
  assert.deepEqual([attempts, client.state === "closed", client.error?.code], [12, false, "unreachable"]);
  isUp = true;
  for (let turns = 0; turns < 3000 && client.state !== "open"; turns++) {
    await turn();
    t.mock.timers.tick(100);
  }
  assert.equal(client.state, "open");
  client.close();
});

test("a backend that fails to make tokens stops no client, whatever code it fails with", async (t) => {
  for (const code of ["unauthenticated", "forbidden"]) {
    stopTime(t);
    let failures = 0;
    let fetched = 0;
    // The token at hand does not open a connection, and there is no other one for now.
    const fetchToken = () => {
      if (++fetched % 2 === 1) return `token ${fetched}`;
      failures += 1;
      throw new library.HaggleError(code, "/chat-token answered 503", { status: 503 });
    };
    const lost = (token, events) => (queueMicrotask(() => events.lost(1006)), { request() {}, notify() {}, close() {} });
    const client = alone(t, { wire: lost, fetchToken });
    client.connect();
    for (let turns = 0; turns < 3000 && failures < 10 && client.state !== "closed"; turns++) {
      await turn();
      t.mock.timers.tick(100);
    }
    assert.deepEqual([failures, client.state === "closed"], [10, false], code);
    client.close();
    t.mock.timers.reset();
  }
});
