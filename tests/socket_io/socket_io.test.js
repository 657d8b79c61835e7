import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Frames, openFrames, Polling } from "./support/engine_io.js";
import { CONNECT_TIMEOUT_MS, WireEcho } from "./support/wire_echo.js";

/* Socket.IO v5 to the letter of its document, packet by packet: https://github.com/socketio/socket.io-protocol */

let echo;
before(async () => (echo = await WireEcho.start()));
after(() => echo?.stop());

const open = (t) => openFrames(t, echo.url, "/socket.io/");

/** Joined to the main namespace, with its two greetings taken. */
async function join(t, connect = "40") {
  const frames = await open(t);
  frames.send(connect);
  await frames.next();
  await frames.next();
  return frames;
}

for (const [sent, namespace, auth] of [
  ["40", "", {}],
  ['40{"token":"123"}', "", { token: "123" }],
  ["40/custom,", "/custom,", {}],
  ["40/custom", "/custom,", {}],
  ['40/custom,{"token":"abc"}', "/custom,", { token: "abc" }],
  ["40/,", "", {}],
]) {
  test(`CONNECT as ${sent}`, async (t) => {
    const frames = await open(t);
    frames.send(sent);
    const answer = await frames.next();
    assert.ok(answer.startsWith(`40${namespace}{`), answer);
    const { sid, ...rest } = JSON.parse(answer.slice(2 + namespace.length));
    assert.deepEqual([typeof sid, rest], ["string", {}]);
    assert.notEqual(sid, frames.handshake.sid, "the session's id is secret");
    assert.equal(await frames.next(), `42${namespace}["auth",${JSON.stringify(auth)}]`);
  });
}

test("CONNECT to an unknown namespace is refused, and the connection stays open for others", async (t) => {
  const frames = await open(t);
  for (const namespace of ["/random", "/__proto__", "/custom/", "/constructor"]) {
    frames.send(`40${namespace},`);
    assert.equal(await frames.next(), `44${namespace},{"message":"Invalid namespace"}`);
  }
  frames.send("40");
  assert.match(await frames.next(), /^40\{"sid":"[^"]+"\}$/);
});

test("a second CONNECT to a joined namespace closes the connection", async (t) => {
  const frames = await join(t);
  frames.send("40");
  await frames.closes();
});

test("a connection without a CONNECT is closed in time", async (t) => {
  const frames = await open(t);
  await frames.closes();
  const lasted = Date.now() - frames.openedAt;
  assert.ok(lasted >= CONNECT_TIMEOUT_MS - 30 && lasted < CONNECT_TIMEOUT_MS + 1000, `after ${lasted} ms`);
});

test("a connection that is refused everywhere is closed in time, and one that has joined is not", async (t) => {
  const refused = await open(t);
  const joined = await join(t);
  refused.send("40/random,");
  await refused.next();
  await refused.closes();
  joined.send('42["message","still here"]');
  assert.equal(await joined.next(), '42["message-back","still here"]');
});

for (const [name, ...bad] of [
  ["an unknown type", "4abc"],
  ["another unknown type", "49"],
  ["a type alone in the middle of nothing", "4"],
  ["an EVENT before CONNECT", '42["message","hello"]'],
  ["an ACK before CONNECT", '430["hello"]'],
  ["an auth payload that is not an object", "40[]"],
  ["an auth payload that is text", '40"token"'],
  ["an auth payload that is null", "40null"],
  ["JSON that ends early", '40{"token"'],
  ["bytes that nobody announced", Buffer.from([1, 2, 3])],
  ["CONNECT_ERROR, which only servers send", '44{"message":"no"}'],
]) {
  test(`${name} instead of a CONNECT closes the connection`, async (t) => {
    const frames = await open(t);
    frames.send(...bad);
    await frames.closes();
  });
}

for (const [name, ...bad] of [
  ["no array", "42{}"],
  ["no payload", "42"],
  ["an empty array", "42[]"],
  ["no event name", "42[null]"],
  ["a name that is an object", '42[{"a":1}]'],
  ["a name that is an array", '42[["message"]]'],
  ["a name of the protocol's own", '42["connect"]'],
  ["another name of the protocol's own", '42["disconnecting"]'],
  ["a name of the emitter's own", '42["newListener"]'],
  ["JSON that ends early", '42["message",'],
  ["an ack id that is no number", '42x["message"]'],
  ["an ACK without an array", "431{}"],
  ["text while attachments are due", '451-["message",{"_placeholder":true,"num":0}]', '42["message"]'],
  ["a number of attachments that is none", '45x-["message"]'],
  ["a number of attachments without its dash", '452["message"]'],
  ["more attachments than anybody needs", `451000000-["message"]`],
  ["a placeholder beyond the attachments", '451-["message",{"_placeholder":true,"num":7}]', Buffer.from([1])],
  ["a placeholder whose number is text", '451-["message",{"_placeholder":true,"num":"splice"}]', Buffer.from([1])],
  ["a placeholder whose number is negative", '451-["message",{"_placeholder":true,"num":-1}]', Buffer.from([1])],
  ["bytes that nobody announced", Buffer.from([1, 2, 3])],
]) {
  test(`an EVENT with ${name} closes the connection, and nobody else's`, async (t) => {
    const [frames, other] = await Promise.all([join(t), join(t)]);
    frames.send(...bad);
    await frames.closes();
    other.send('42["message","unhurt"]');
    assert.equal(await other.next(), '42["message-back","unhurt"]');
  });
}

test("DISCONNECT has no answer, and ends its namespace alone", async (t) => {
  const frames = await join(t);
  frames.send("40/custom,");
  assert.match(await frames.next(), /^40\/custom,/);
  assert.equal(await frames.next(), '42/custom,["auth",{}]');
  frames.send("41/custom,", '42["message","to the main namespace"]');
  assert.equal(await frames.next(), '42["message-back","to the main namespace"]');
  frames.send("40/custom,");
  assert.match(await frames.next(), /^40\/custom,/);
});

test("after DISCONNECT the connection lives on", async (t) => {
  const frames = await openFrames(t, echo.url, "/socket.io/", { answerPings: false });
  frames.send("40");
  await frames.next();
  await frames.next();
  frames.send("41");
  assert.equal(await frames.next(), "2");
});

test("an EVENT to a namespace that was left, or never joined, closes the connection", async (t) => {
  for (const namespace of ["/custom", "/random"]) {
    const frames = await join(t);
    frames.send(`42${namespace},["message","hello"]`);
    await frames.closes();
  }
});

test("EVENT with any arguments comes back as it was", async (t) => {
  const frames = await join(t);
  for (const args of [[], [1, "2", { 3: [true] }], [null, -0.5, 1e300, ""], ["ünï€😀\\u0000\n\""], [{ _placeholder: 1 }], [[[]], {}]]) {
    frames.send(`42${JSON.stringify(["message", ...args])}`);
    assert.deepEqual(JSON.parse((await frames.next()).slice(2)), ["message-back", ...args]);
  }
  frames.send('42["message",12345678901234567890,1.10]');
  assert.match(await frames.next(), /^42\["message-back",/);
});

test("`error` and `message` are events like others, and an unknown one is passed over", async (t) => {
  const frames = await join(t);
  frames.send('42["error","mine"]', '42["nobody listens"]', '42["toString"]', '42["message","after"]');
  assert.equal(await frames.next(), '42["message-back","after"]');
});

test("EVENT with an ack id is acknowledged with its arguments", async (t) => {
  const frames = await join(t);
  for (const id of ["0", "1", "456", "9007199254740991"]) {
    frames.send(`42${id}["message-with-ack",1,"2",{"3":[false]}]`);
    assert.equal(await frames.next(), `43${id}[1,"2",{"3":[false]}]`);
  }
  frames.send("40/custom,");
  await frames.next();
  await frames.next();
  frames.send('42/custom,0["message-with-ack"]');
  assert.equal(await frames.next(), "43/custom,0[]");
});

test("an ACK that nobody asked for is passed over", async (t) => {
  const frames = await join(t);
  frames.send('437["hello"]', '42["message","after"]');
  assert.equal(await frames.next(), '42["message-back","after"]');
});

for (const [name, path] of [["WebSocket", "websocket"], ["polling", "polling"]]) {
  test(`bytes travel both ways over ${name}, in events and in acknowledgements`, async (t) => {
    const talk = path === "websocket" ? await webSocketTalk(t) : await pollingTalk();
    const [one, two] = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
    const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
    assert.deepEqual(await talk([`452-["message",${placeholders}]`, one, two], 3), [`452-["message-back",${placeholders}]`, one, two]);
    assert.deepEqual(await talk([`452-789["message-with-ack",${placeholders}]`, one, two], 3), [`462-789[${placeholders}]`, one, two]);
    const nested = '{"deep":[{"_placeholder":true,"num":0}]}';
    assert.deepEqual(await talk([`451-["message",${nested}]`, Buffer.alloc(0)], 2), [`451-["message-back",${nested}]`, Buffer.alloc(0)]);
    const many = Array.from({ length: 10 }, (_, index) => Buffer.from([index]));
    const places = many.map((_, num) => JSON.stringify({ _placeholder: true, num })).join();
    assert.deepEqual(await talk([`4510-["message",${places}]`, ...many], 11), [`4510-["message-back",${places}]`, ...many]);
  });
}

async function webSocketTalk(t) {
  const frames = await join(t);
  return async (sent, count) => {
    frames.send(...sent);
    const back = [];
    while (back.length < count) back.push(await frames.next());
    return back;
  };
}

async function pollingTalk() {
  const polling = await Polling.open(echo.url, "/socket.io/");
  await polling.post("40");
  await polling.packets(2);
  return async (sent, count) => {
    await polling.post(sent.map((packet) => (Buffer.isBuffer(packet) ? `b${packet.toString("base64")}` : packet)).join("\x1e"));
    const back = await polling.packets(count);
    return back.map((packet) => (packet[0] === "b" ? Buffer.from(packet.slice(1), "base64") : packet));
  };
}

test("several packets in one polling body are several packets", async () => {
  const polling = await Polling.open(echo.url, "/socket.io/");
  await polling.post('40{"token":"1"}');
  assert.equal((await polling.packets(2))[1], '42["auth",{"token":"1"}]');
  await polling.post(['42["message","a"]', "40/custom,", '420["message-with-ack"]', '42["message","b"]'].join("\x1e"));
  const packets = (await polling.packets(5)).filter((packet) => !/^4[02]\/custom/.test(packet));
  assert.deepEqual(packets, ['42["message-back","a"]', "430[]", '42["message-back","b"]']);
});

test("a nest deeper than anybody needs comes back or closes the connection, and hurts nobody else", async (t) => {
  const [frames, other] = await Promise.all([join(t), join(t)]);
  const nest = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  frames.send(`42["message",${nest}]`);
  const answer = await Promise.race([frames.next(), frames.closed]);
  assert.ok(typeof answer === "number" || answer === `42["message-back",${nest}]`);
  other.send('42["message","unhurt"]');
  assert.equal(await other.next(), '42["message-back","unhurt"]');
});

test("a connection's end with packets under way hurts nobody", async (t) => {
  const other = await join(t);
  for (let round = 0; round < 20; round++) {
    const frames = new Frames(`${echo.webSocketUrl}/socket.io/?EIO=4&transport=websocket`);
    await frames.next();
    frames.send("40", ...Array.from({ length: 20 }, (_, index) => `42["message",${index}]`));
    frames.close();
  }
  other.send('42["message","unhurt"]');
  assert.equal(await other.next(), '42["message-back","unhurt"]');
});
