import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { closeFrame, frame, OPCODE, RawWebSocket } from "./support/raw_websocket.js";
import { WireEcho } from "./support/wire_echo.js";

/* RFC 6455, frame by frame, on the plain echo. */

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const { continuation, text, binary, ping, pong, close } = OPCODE;

let echo;
before(async () => (echo = await WireEcho.start()));
after(() => echo?.stop());

const open = (t) => RawWebSocket.open(t, `${echo.webSocketUrl}/ws/echo`);

/** The whole message that comes back, whatever its frames. */
async function message(socket) {
  const first = await socket.next();
  const parts = [first.payload];
  for (let last = first; !last.fin; parts.push(last.payload)) {
    last = await socket.next();
    assert.equal(last.opcode, continuation);
  }
  return { opcode: first.opcode, payload: Buffer.concat(parts) };
}

/** Closes well, which also shows that nothing else was said. */
async function closeWell(socket) {
  socket.send(closeFrame(1000));
  assert.equal(await socket.closes(), 1000);
}

test("the handshake proves that it understood", async (t) => {
  const { head } = await open(t);
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.match(head, /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/im);
  assert.match(head, /^upgrade: websocket$/im);
});

test("texts and bytes of every length come back", async (t) => {
  const socket = await open(t);
  for (const length of [0, 1, 125, 126, 127, 128, 65535, 65536, 1_000_000, MESSAGE_BYTES_MAX]) {
    for (const opcode of length > 1_000_000 ? [binary] : [text, binary]) {
      const payload = opcode === text ? Buffer.from("*".repeat(length)) : randomBytes(length);
      socket.send(frame(opcode, payload));
      const back = await message(socket);
      assert.ok(back.opcode === opcode && back.payload.equals(payload), `${length} bytes, opcode ${opcode}`);
    }
  }
  await closeWell(socket);
});

test("a length may be written wider than it needs", async (t) => {
  // Section 5.2 asks senders for the shortest; a reader either takes it or closes with 1002.
  for (const wide of [2, 8]) {
    const socket = await open(t);
    socket.send(frame(text, "hello", { wide }));
    const { opcode, payload } = await socket.next();
    if (opcode === close) assert.equal(payload.readUInt16BE(), 1002);
    else assert.equal(String(payload), "hello");
  }
});

test("a message in fragments comes back whole", async (t) => {
  const socket = await open(t);
  for (const [opcode, ...parts] of [
    [text, "Hel", "lo"],
    [text, "", "a", "", "b", ""],
    [binary, "one", "two", "three"],
    [text, ...Array.from("many fragments, one character each, in one message")],
  ]) {
    parts.forEach((part, index) => socket.send(frame(index ? continuation : opcode, part, { fin: index === parts.length - 1 })));
    assert.deepEqual(await message(socket), { opcode, payload: Buffer.from(parts.join("")) });
  }
  await closeWell(socket);
});

test("bytes that arrive one by one make the same frames", async (t) => {
  const socket = await open(t);
  const bytes = Buffer.concat([frame(text, "Hel", { fin: false }), frame(ping, "?"), frame(continuation, "lo")]);
  for (const byte of bytes) {
    socket.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([(await socket.next()).opcode, String((await message(socket)).payload)], [pong, "Hello"]);
});

test("control frames between fragments are answered at once", async (t) => {
  const socket = await open(t);
  socket.send(frame(text, "Hel", { fin: false }), frame(ping, "are you there?"), frame(continuation, "l", { fin: false }), frame(pong, "unasked"), frame(ping, ""), frame(continuation, "o"));
  for (const expected of ["are you there?", ""]) {
    const { opcode, fin, payload } = await socket.next();
    assert.deepEqual([opcode, fin, String(payload)], [pong, true, expected]);
  }
  assert.equal(String((await message(socket)).payload), "Hello");
  await closeWell(socket);
});

test("a ping comes back with its payload, a pong not at all", async (t) => {
  const socket = await open(t);
  socket.send(frame(pong, "unasked"));
  for (const payload of [Buffer.alloc(0), Buffer.from([0, 255, 254]), Buffer.alloc(125, 7)]) {
    socket.send(frame(ping, payload));
    const back = await socket.next();
    assert.deepEqual([back.opcode, back.payload], [pong, payload]);
  }
  for (let index = 0; index < 10; index++) socket.send(frame(ping, String(index)));
  const answers = [];
  while (answers.at(-1) !== "9") answers.push(String((await socket.next()).payload));
  await closeWell(socket);
});

for (const [name, ...frames] of [
  ["a first reserved bit", frame(text, "x", { reserved: 4 })],
  ["a second reserved bit", frame(text, "x", { reserved: 2 })],
  ["a third reserved bit", frame(binary, "x", { reserved: 1 })],
  ["a reserved bit on a ping", frame(ping, "x", { reserved: 4 })],
  ["a reserved bit on a continuation", frame(text, "x", { fin: false }), frame(continuation, "y", { reserved: 4 })],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`the reserved opcode ${opcode}`, frame(opcode, "x")]),
  ["a frame without a mask", frame(text, "x", { masked: false })],
  ["a fragmented ping", frame(ping, "x", { fin: false })],
  ["a fragmented close", frame(close, "", { fin: false })],
  ["a ping of 126 bytes", frame(ping, Buffer.alloc(126))],
  ["a close of 126 bytes", frame(close, Buffer.alloc(126, 3))],
  ["a close of one byte", frame(close, Buffer.from([3]))],
  ["a continuation of nothing", frame(continuation, "x")],
  ["a continuation of a message that is over", frame(text, "a", { fin: false }), frame(continuation, "b"), frame(continuation, "c")],
  ["a new message inside another", frame(text, "a", { fin: false }), frame(text, "b")],
  ["new bytes inside a text", frame(text, "a", { fin: false }), frame(binary, "b")],
]) {
  test(`${name} is answered with 1002`, async (t) => {
    const socket = await open(t);
    socket.send(...frames);
    if (name.includes("that is over")) assert.equal(String((await message(socket)).payload), "ab");
    assert.equal(await socket.closes(), 1002);
    assert.ok(socket.endedAfterMs < 500, `TCP ended after ${socket.endedAfterMs} ms`);
  });
}

for (const [name, bytes] of Object.entries({
  "a byte that never occurs": [0xff],
  "a continuation byte alone": [0x80],
  "a sequence cut short": [0xe2, 0x82],
  "an overlong slash": [0xc0, 0xaf],
  "an overlong NUL": [0xe0, 0x80, 0x80],
  "a surrogate": [0xed, 0xa0, 0x80],
  "a character beyond Unicode": [0xf4, 0x90, 0x80, 0x80],
  "good text and then a bad byte": [0x68, 0x69, 0xce, 0xba, 0xff],
})) {
  test(`a text with ${name} is answered with 1007`, async (t) => {
    const whole = await open(t);
    whole.send(frame(text, Buffer.from(bytes)));
    assert.equal(await whole.closes(), 1007);
    const inFragments = await open(t);
    inFragments.send(frame(text, "good", { fin: false }), ...bytes.map((byte, index) => frame(continuation, Buffer.from([byte]), { fin: index === bytes.length - 1 })));
    assert.equal(await inFragments.closes(), 1007);
    assert.ok(whole.endedAfterMs < 500, `TCP ended after ${whole.endedAfterMs} ms`);
  });
}

test("a character may be cut by the border of two fragments", async (t) => {
  const socket = await open(t);
  const bytes = Buffer.from("κόσμε 😀");
  socket.send(...[...bytes].map((byte, index) => frame(index ? continuation : text, Buffer.from([byte]), { fin: index === bytes.length - 1 })));
  assert.equal(String((await message(socket)).payload), "κόσμε 😀");
});

test("a message over the limit is answered with 1009, by its header alone", async (t) => {
  for (const frames of [
    [frame(binary, "x", { length: MESSAGE_BYTES_MAX + 1 })],
    [frame(binary, "x", { length: 2 ** 53 - 1 })],
    [frame(binary, Buffer.alloc(MESSAGE_BYTES_MAX - 10), { fin: false }), frame(continuation, "x", { length: 11 })],
  ]) {
    const socket = await open(t);
    socket.send(...frames);
    assert.equal(await socket.closes(), 1009);
  }
});

test("a length whose first bit is set is refused", async (t) => {
  const socket = await open(t);
  socket.send(Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]));
  assert.ok([1002, 1009].includes(await socket.closes()));
});

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
  test(`a close with ${code} is answered in kind, and TCP ends promptly`, async (t) => {
    const socket = await open(t);
    socket.send(closeFrame(code, "good bye"));
    assert.equal(await socket.closes(), code);
    assert.ok(socket.endedAfterMs < 500, `TCP ended after ${socket.endedAfterMs} ms`);
  });
}

for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]) {
  test(`a close with ${code}, which must not be sent, is answered with 1002`, async (t) => {
    const socket = await open(t);
    socket.send(closeFrame(code));
    assert.equal(await socket.closes(), 1002);
  });
}

test("a close without a code, with the longest reason, and with a bad one", async (t) => {
  const bare = await open(t);
  bare.send(frame(close));
  assert.ok([undefined, 1000].includes(await bare.closes()));
  const long = await open(t);
  long.send(closeFrame(1000, "x".repeat(123)));
  assert.equal(await long.closes(), 1000);
  const bad = await open(t);
  bad.send(frame(close, Buffer.from([3, 232, 0xff])));
  assert.equal(await bad.closes(), 1007);
});

test("what comes after a close, and after an error, is not read", async (t) => {
  const closed = await open(t);
  closed.send(closeFrame(1000), frame(text, "too late"), frame(ping, "too late"));
  assert.equal(await closed.closes(), 1000);
  const broken = await open(t);
  broken.send(frame(text, "before"), frame(3, "x"), frame(text, "too late"));
  assert.equal(String((await message(broken)).payload), "before");
  assert.equal(await broken.closes(), 1002);
});

test("a handshake of another version, or without its key, is refused", async () => {
  const headers = { connection: "Upgrade", upgrade: "websocket" };
  const { request } = await import("node:http");
  const status = (more) =>
    new Promise((resolve, reject) => {
      const asked = request(`${echo.url}/ws/echo`, { headers: { ...headers, ...more } }, (response) => (response.resume(), resolve(response.statusCode)));
      asked.on("upgrade", (response, socket) => (socket.destroy(), resolve(response.statusCode)));
      asked.on("error", reject).end();
    });
  assert.ok([400, 426].includes(await status({ "sec-websocket-version": "12", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" })));
  assert.equal(await status({ "sec-websocket-version": "13" }), 400);
  assert.equal(await status({ "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }), 101);
});
