import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { Frames, openFrames, openUpgrade, Polling, SEPARATOR } from "./support/engine_io.js";
import { within } from "./support/waiting.js";
import { MAX_PAYLOAD_BYTES, PING_INTERVAL_MS, PING_TIMEOUT_MS, WireEcho } from "./support/wire_echo.js";

/* Engine.IO v4 to the letter of its document, packet by packet: https://github.com/socketio/engine.io-protocol */

let echo;
/** The same with a heartbeat that no test lives to hear. */
let calm;
before(async () => {
  [echo, calm] = await Promise.all([WireEcho.start(), WireEcho.start({ pingInterval: 60_000, pingTimeout: 60_000 })]);
});
after(() => Promise.all([echo?.stop(), calm?.stop()]));

const PATHS = ["/engine.io/", "/socket.io/"];

for (const path of PATHS) {
  test(`${path}: a handshake says all that the client must know`, async (t) => {
    const response = await fetch(`${echo.url}${path}?EIO=4&transport=polling`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/plain; ?charset=utf-8$/i);
    const body = await response.text();
    assert.equal(body[0], "0");
    const { sid, ...rest } = JSON.parse(body.slice(1));
    const settings = { pingInterval: PING_INTERVAL_MS, pingTimeout: PING_TIMEOUT_MS, maxPayload: MAX_PAYLOAD_BYTES };
    assert.deepEqual(rest, { upgrades: ["websocket"], ...settings });

    const frames = await openFrames(t, echo.url, path);
    const { sid: other, ...overWebSocket } = frames.handshake;
    assert.deepEqual(overWebSocket, { upgrades: [], ...settings });
    for (const id of [sid, other]) assert.match(id, /^[\w-]{20,}$/, "an id that can't be guessed");
    assert.notEqual(sid, other);
  });

  test(`${path}: each bad handshake is refused with its code`, async () => {
    const cases = [
      ["?transport=polling", 400, 5, "Unsupported protocol version"],
      ["?EIO=abc&transport=polling", 400, 5, "Unsupported protocol version"],
      ["?EIO=3&transport=polling", 400, 5, "Unsupported protocol version"],
      ["?EIO=4", 400, 0, "Transport unknown"],
      ["?EIO=4&transport=abc", 400, 0, "Transport unknown"],
      ["?EIO=4&transport=constructor", 400, 0, "Transport unknown"],
      ["?EIO=4&transport=polling&sid=unknown", 400, 1, "Session ID unknown"],
      ["?EIO=4&transport=polling&sid=__proto__", 400, 1, "Session ID unknown"],
      ["?EIO=4&transport=websocket", 400, 3, "Bad request"],
      ["", 400, 0, "Transport unknown"],
    ];
    for (const [query, status, code, message] of cases) {
      const response = await fetch(echo.url + path + query);
      assert.deepEqual([response.status, await response.json()], [status, { code, message }], query);
      assert.match(response.headers.get("content-type"), /^application\/json/);
    }
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const response = await fetch(`${echo.url}${path}?EIO=4&transport=polling`, { method });
      assert.deepEqual([response.status, await response.json()], [400, { code: 2, message: "Bad handshake method" }], method);
    }
  });

  test(`${path}: each bad WebSocket handshake is refused`, async (t) => {
    for (const query of ["?transport=websocket", "?EIO=abc&transport=websocket", "?EIO=4", "?EIO=4&transport=abc", "?EIO=4&transport=websocket&sid=unknown"]) {
      const frames = new Frames(`${echo.webSocketUrl}${path}${query}`);
      t.after(() => frames.close());
      await frames.closes();
    }
  });

  test(`${path}: the heartbeat over polling, neither early nor late`, async () => {
    const polling = await Polling.open(echo.url, path);
    let from = Date.now();
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await polling.poll(), ["2"]);
      // The clocks of two processes may round a millisecond apart, and the session is a little older than its handshake.
      assert.ok(Date.now() - from >= PING_INTERVAL_MS - 30, `a ping after ${Date.now() - from} ms`);
      const pong = await polling.post("3");
      assert.deepEqual([pong.status, await pong.text()], [200, "ok"]);
      from = Date.now();
    }
  });

  test(`${path}: a silent polling session ends at interval + timeout`, async () => {
    const polling = await Polling.open(echo.url, path);
    const from = Date.now();
    assert.deepEqual(await polling.poll(), ["2"]);
    const last = await polling.get();
    const lasted = Date.now() - from;
    assert.ok(PING_INTERVAL_MS + PING_TIMEOUT_MS - 30 <= lasted, `it ended after ${lasted} ms`);
    assert.ok(lasted < PING_INTERVAL_MS + PING_TIMEOUT_MS + 400, `it ended after ${lasted} ms`);
    if (last.status === 200) assert.match(await last.text(), /^[16]$/);
    assert.ok(await polling.closed());
  });

  test(`${path}: the heartbeat over WebSocket, and the end of a silent session`, async (t) => {
    const frames = await openFrames(t, echo.url, path, { answerPings: false });
    let from = frames.openedAt;
    // On /socket.io/ the time to CONNECT is over in the fourth interval.
    for (let round = 0; round < 2; round++) {
      assert.equal(await frames.next(), "2");
      assert.ok(frames.lastAt - from >= PING_INTERVAL_MS - 30, `a ping after ${frames.lastAt - from} ms`);
      from = frames.lastAt;
      if (round < 1) frames.send("3");
    }
    await frames.closes();
    const lasted = Date.now() - from;
    assert.ok(PING_TIMEOUT_MS - 30 <= lasted && lasted < PING_TIMEOUT_MS + 400, `it ended ${lasted} ms after the ping`);
  });

  test(`${path}: a polling session that nobody polls is over when interval and timeout are`, async () => {
    const polling = await Polling.open(echo.url, path);
    // The one wait for a time and not for an event: that nothing else has to happen is the promise.
    // Node cuts its clock to milliseconds, so its timers may fire one early.
    await new Promise((resolve) => setTimeout(resolve, PING_INTERVAL_MS + PING_TIMEOUT_MS + 2));
    assert.equal((await polling.get()).status, 400);
  });

  test(`${path}: the client may close, over polling and over WebSocket`, async (t) => {
    for (let round = 0; round < 20; round++) {
      const polling = await Polling.open(calm.url, path);
      const [waiting, closing] = await Promise.all([polling.get(), polling.post("1")]);
      // The two race to the server, and after the close there is no session to poll.
      const answer = waiting.status === 400 ? [400, (await waiting.json()).code] : [waiting.status, await waiting.text()];
      assert.deepEqual(answer, waiting.status === 400 ? [400, 1] : [200, "6"], `round ${round}`);
      assert.equal(closing.status, 200);
      assert.ok(await polling.closed());
    }

    const frames = await openFrames(t, calm.url, path);
    frames.send("1");
    await frames.closes();
  });
}

test("what is sent comes back, over polling, one packet and several, text and binary", async () => {
  const polling = await Polling.open(calm.url);
  for (const packets of [["4hello"], ["4test1", "4test2", "4test3"], ["4hello", "bAQIDBA=="], ["4"], ["4ünï€😀"], ["b"]]) {
    const response = await polling.post(packets.join(SEPARATOR));
    assert.deepEqual([response.status, await response.text()], [200, "ok"]);
    assert.deepEqual(await polling.packets(packets.length), packets);
  }
});

test("a long text and long bytes come back over polling", async () => {
  const polling = await Polling.open(calm.url);
  for (const packet of [`4${"é".repeat(300_000)}`, `b${randomBytes(600_000).toString("base64")}`]) {
    assert.equal((await polling.post(packet)).status, 200);
    assert.ok((await polling.packets(1))[0] === packet, "as it was");
  }
});

test("what is sent comes back, over WebSocket, text and binary, in order", async (t) => {
  const frames = await openFrames(t, calm.url);
  const bytes = randomBytes(MAX_PAYLOAD_BYTES - 1);
  const sent = ["4hello", Buffer.from([1, 2, 3, 4]), "4", Buffer.alloc(0), "4ünï€😀", bytes, `4${"x".repeat(MAX_PAYLOAD_BYTES - 1)}`];
  frames.send(...sent);
  for (const frame of sent) {
    const back = await frames.next();
    assert.ok(Buffer.from(back).equals(Buffer.from(frame)) && typeof back === typeof frame, `${String(frame).slice(0, 20)} came back as ${String(back).slice(0, 20)}`);
  }
});

test("a packet without a known type ends the session, and so does one that only servers send", async (t) => {
  for (const bad of ["abc", "7", "", "9hello", `4a${SEPARATOR}x`, "b!!!!"]) {
    const polling = await Polling.open(calm.url);
    const response = await polling.post(bad);
    assert.equal(response.status, 400, JSON.stringify(bad));
    assert.ok(await polling.closed(), JSON.stringify(bad));
  }
  for (const bad of ["abc", "7", ""]) {
    const frames = await openFrames(t, calm.url);
    frames.send(bad);
    await frames.closes();
  }
});

test("a body that is not UTF-8 ends the session", async () => {
  const polling = await Polling.open(calm.url);
  assert.equal((await polling.post(Buffer.from([0x34, 0xc3, 0x28]))).status, 400);
  assert.ok(await polling.closed());
});

test("a second poll at once ends the session", async () => {
  const polling = await Polling.open(calm.url);
  const first = polling.get();
  const second = polling.get();
  const [one, other] = (await Promise.all([first, second])).sort((a, b) => a.status - b.status);
  assert.deepEqual([one.status, await one.text(), other.status], [200, "1", 400]);
  assert.ok(await polling.closed());
});

test("a second POST at once ends the session", async () => {
  const polling = await Polling.open(calm.url);
  // The first one's body never ends, so that it is surely under way.
  const slow = request(polling.address, { method: "POST", headers: { "content-length": 100 } });
  slow.on("error", () => {});
  slow.write("4hel");
  await within(5_000, (async () => {
    // The two race to the server: a POST that came first is answered before the slow one is known.
    while ((await polling.post("4second")).status === 200);
  })(), () => "the second POST is answered as if it were alone");
  slow.destroy();
  assert.ok(await polling.closed());
});

test("an aborted poll ends the session", async () => {
  const polling = await Polling.open(calm.url);
  // Answered, so that the server is known to have the next one: it was sent first, on a connection that is open already.
  await polling.post("4before");
  assert.deepEqual(await polling.packets(1), ["4before"]);
  const poll = request(polling.address, { agent: false });
  poll.on("error", () => {});
  poll.end();
  const sent = new Promise((resolve) => poll.once("finish", resolve));
  await sent;
  // The server has read the poll when a second one on another connection is refused, but that would end the session as well.
  // So: abort again and again until one of them was seen.
  poll.destroy();
  await within(10_000, (async () => {
    while (!(await polling.closed())) {
      const again = request(polling.address, { agent: false });
      again.on("error", () => {});
      again.end();
      await new Promise((resolve) => again.once("finish", resolve));
      await new Promise((resolve) => setImmediate(resolve));
      again.destroy();
    }
  })(), () => "the session outlives every aborted poll");
});

test("a body over the limit is refused by its announced length", async () => {
  const polling = await Polling.open(calm.url);
  const answer = new Promise((resolve, reject) => {
    const post = request(polling.address, { method: "POST", headers: { "content-length": MAX_PAYLOAD_BYTES + 1 } }, resolve);
    post.on("error", reject);
    post.flushHeaders();
    post.write("4");
  });
  const { statusCode } = await within(5_000, answer, () => "the server waits for the body");
  assert.equal(statusCode, 413);
  const chunked = await Polling.open(calm.url);
  const tooMuch = fetch(chunked.address, {
    method: "POST",
    body: new ReadableStream({ start: (controller) => (controller.enqueue(Buffer.alloc(MAX_PAYLOAD_BYTES + 1, "4")), controller.close()) }),
    duplex: "half",
  });
  assert.equal((await tooMuch.catch(() => ({ status: 413 }))).status, 413);
});

test("a frame over the limit ends a WebSocket session with 1009", async (t) => {
  const frames = await openFrames(t, calm.url);
  frames.send(`4${"x".repeat(MAX_PAYLOAD_BYTES)}`);
  assert.equal(await frames.closes(), 1009);
});

test("a POST as application/octet-stream is refused", async () => {
  const polling = await Polling.open(calm.url);
  const response = await polling.post("4hello", { "content-type": "application/octet-stream" });
  assert.equal(response.status, 400);
});

test("another method than GET and POST is refused, and the session goes on", async () => {
  const polling = await Polling.open(calm.url);
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    assert.equal((await fetch(polling.address, { method })).status, 400, method);
  }
  await polling.post("4still here");
  assert.deepEqual(await polling.packets(1), ["4still here"]);
});

test("a session moves from polling to WebSocket, and nothing is lost on the way", async (t) => {
  const polling = await Polling.open(calm.url);
  await polling.post("4before");
  const frames = await openUpgrade(t, polling);
  await frames.opened;
  frames.send("2probe");
  assert.equal(await frames.next(), "3probe");
  assert.deepEqual(await polling.packets(1), ["4before"]);
  // Whatever poll is open is released, so that the client can pause.
  assert.deepEqual(await polling.poll(), ["6"]);
  assert.deepEqual(await polling.poll(), ["6"]);
  await polling.post("4the last by polling");
  frames.send("5", "4hello");
  const arrived = [await frames.next(), await frames.next()];
  assert.deepEqual(arrived, ["4the last by polling", "4hello"]);

  const late = await polling.get();
  assert.deepEqual([late.status, (await late.json()).code], [400, 3]);
  // As the reference does it: the handshake is completed, and the WebSocket closed without a word.
  const other = await openUpgrade(t, polling);
  await other.opened;
  assert.equal(await other.closes(), 1000);
  frames.send("4still here");
  assert.equal(await frames.next(), "4still here");
});

test("an upgrade that does not wait for its answers is one all the same", async (t) => {
  for (let round = 0; round < 20; round++) {
    const polling = await Polling.open(calm.url);
    const frames = await openUpgrade(t, polling);
    await frames.opened;
    frames.send("2probe", "5");
    assert.equal((await polling.get()).status, 400, `round ${round}`);
    const second = await openUpgrade(t, polling);
    await second.closes();
    frames.send("4hello");
    assert.deepEqual([await frames.next(), await frames.next()], ["3probe", "4hello"]);
    frames.close();
  }
});

test("an open poll is released by the probe", async (t) => {
  const polling = await Polling.open(calm.url);
  const waiting = polling.poll();
  const frames = await openUpgrade(t, polling);
  await frames.opened;
  frames.send("2probe");
  assert.equal(await frames.next(), "3probe");
  assert.deepEqual(await waiting, ["6"]);
  frames.send("5", "4done");
  assert.equal(await frames.next(), "4done");
});

for (const bad of ["2wrong", "4hello", "x", "5", "the end of its connection"]) {
  test(`a probe that fails by ${bad} does not hurt the polling session, which may upgrade later`, async (t) => {
    const polling = await Polling.open(calm.url);
    const failing = await openUpgrade(t, polling);
    await failing.opened;
    if (bad.length > 10) {
      failing.send("2probe");
      assert.equal(await failing.next(), "3probe");
      failing.close();
    } else {
      failing.send(bad);
    }
    await failing.closes();
    await polling.post("4still here");
    const packets = [];
    while (!packets.includes("4still here")) packets.push(...(await polling.poll()));

    // Until the server has noticed the end of the last one, it refuses another one next to it.
    const upgraded = await within(5_000, upgrade(t, polling), () => "no upgrade after a failed one");
    upgraded.send("4moved");
    assert.equal(await upgraded.next(), "4moved");
  });
}

async function upgrade(t, polling) {
  for (;;) {
    const frames = await openUpgrade(t, polling);
    frames.socket.once("open", () => frames.send("2probe"));
    if ((await Promise.race([frames.next(), frames.closed])) !== "3probe") continue;
    frames.send("5");
    return frames;
  }
}

test("any origin is allowed here, on errors too", async () => {
  const headers = { origin: "https://shop.example" };
  for (const query of ["?EIO=4&transport=polling", "?EIO=4&transport=abc"]) {
    const response = await fetch(`${echo.url}/engine.io/${query}`, { headers });
    assert.ok(["*", headers.origin].includes(response.headers.get("access-control-allow-origin")), query);
  }
});
