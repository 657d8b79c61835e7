import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";

/* The plain parts of packages/client, where an integrator would run them: in a browser, as served. */

let server;
let browser;
let page;

before(async () => {
  [server, browser] = await Promise.all([DemoServer.start(), launchBrowser()]);
  ({ page } = await Window.open(browser, server.url));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a timeline has each message once and in order, however they arrive", async () => {
  const faults = await page.evaluate(async () => {
    const { Timeline } = await import("/client/timeline.js");
    const message = (seq) => ({ id: `m${seq}`, roomId: "r", seq, senderId: seq % 3 ? "other" : "me", kind: "text", text: `${seq}`, sentAt: "2026-11-23T09:00:00.000Z" });
    const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
    const faults = [];
    for (let seed = 1; seed <= 200; seed++) {
      let state = seed;
      const random = (below) => (state = (state * 48271) % 2147483647) % below;
      const timeline = new Timeline();
      timeline.start(range(51, 100), 100);
      // Live messages, acknowledgements, catch-ups and older pages, cut at random places, overlapping, in any order.
      const pieces = [];
      for (let at = 1; at <= 140; ) {
        const end = Math.min(140, at + random(12));
        pieces.push(range(Math.max(1, at - random(4)), end));
        at = end + 1;
      }
      while (pieces.length > 0) {
        timeline.merge(pieces.splice(random(pieces.length), 1)[0]);
        const shown = timeline.list("me").filter(({ senderId, seq }) => senderId !== "me" && seq >= timeline.firstSeq);
        if (shown.some(({ seq }) => seq > timeline.lastSeq)) faults.push(`seed ${seed}: beyond a gap`);
      }
      const seqs = timeline.list("me").map(({ seq }) => seq);
      if (seqs.join() !== range(1, 140).map(({ seq }) => seq).join()) faults.push(`seed ${seed}: ${seqs}`);
      if (timeline.hasGap || timeline.hasOlder) faults.push(`seed ${seed}: a gap is left`);
    }
    return faults;
  });
  assert.deepEqual(faults, []);
});

test("an edit and a deletion survive an older copy of the message", async () => {
  const seen = await page.evaluate(async () => {
    const { Timeline } = await import("/client/timeline.js");
    const original = { id: "m", roomId: "r", seq: 1, senderId: "me", kind: "text", text: "first", sentAt: "2026-11-23T09:00:00.000Z" };
    const edited = { ...original, text: "second", editedAt: "2026-11-23T09:01:00.000Z" };
    const deleted = { ...original, text: undefined, deletedAt: "2026-11-23T09:02:00.000Z" };
    const timeline = new Timeline();
    timeline.start([original], 1);
    const seen = [];
    for (const copy of [edited, original, deleted, edited]) {
      timeline.merge([copy]);
      seen.push(timeline.list()[0].deletedAt ? "deleted" : timeline.list()[0].text);
    }
    return seen;
  });
  assert.deepEqual(seen, ["second", "second", "deleted", "deleted"]);
});

test("an answer to an offer survives an older copy of it", async () => {
  const seen = await page.evaluate(async () => {
    const { Timeline } = await import("/client/timeline.js");
    const offer = (status, statusAt) => ({ id: "m", roomId: "r", seq: 1, senderId: "me", kind: "offer", data: { amount: 1, currency: "USD", status, statusAt }, sentAt: "2026-11-23T09:00:00.000Z" });
    const [pending, accepted, superseded] = [offer("pending"), offer("accepted", "2026-11-23T09:01:00.000Z"), offer("superseded", "2026-11-23T09:02:00.000Z")];
    const timeline = new Timeline();
    timeline.start([pending], 1);
    return [accepted, pending, superseded, accepted].map((copy) => {
      timeline.merge([copy]);
      return timeline.list()[0].data.status;
    });
  });
  assert.deepEqual(seen, ["accepted", "accepted", "superseded", "superseded"]);
});

test("each close code has its answer", async () => {
  const answers = await page.evaluate(async () => {
    const { afterClose } = await import("/client/error.js");
    return Object.fromEntries([1000, 1001, 1006, 1012, 4008, 4001, 4029, 4003, 1002, 1007, 1009].map((code) => [code, afterClose(code)]));
  });
  assert.deepEqual(answers, {
    1000: "reconnect",
    1001: "reconnect",
    1006: "reconnect",
    1012: "reconnect",
    4008: "reconnect",
    4001: "renew",
    4029: "wait",
    4003: "stop",
    1002: "stop",
    1007: "stop",
    1009: "stop",
  });
});

test("the backoff grows, has jitter, and ends at its cap", async () => {
  const delays = await page.evaluate(async () => {
    const { backoffMs } = await import("/client/backoff.js");
    return [0, 1, 2, 10, 1000].map((attempt) => [backoffMs(attempt, { random: () => 0 }), backoffMs(attempt, { random: () => 1 })]);
  });
  assert.deepEqual(delays, [
    [250, 500],
    [500, 1000],
    [1000, 2000],
    [7500, 15000],
    [7500, 15000],
  ]);
});

test("a closed connection comes back by the rules of its close code", async () => {
  const seen = await page.evaluate(async () => {
    const { Connection } = await import("/client/connection.js");
    const { plainWire } = await import("/client/plain_wire.js");
    const { TokenSource } = await import("/client/token_source.js");

    /** Closes by the script below; what is observed is the state after it, and how many tokens were fetched. */
    class ScriptedSocket {
      static made = [];
      constructor(url, protocols) {
        this.protocols = protocols;
        ScriptedSocket.made.push(this);
      }
      close() {}
      send() {}
    }
    const realSocket = window.WebSocket;
    const realTimeout = window.setTimeout;
    const seen = {};
    window.WebSocket = ScriptedSocket;
    try {
      for (const [name, code, push] of [
        ["draining", 1012, { event: "draining", data: { reconnectInMs: 7000 } }],
        ["lost", 1006],
        ["expired", 4001, { event: "error", data: { code: "token_expired", message: "" } }],
        ["flooding", 4029, { event: "error", data: { code: "rate_limited", message: "", retryAfterMs: 9000 } }],
        ["removed", 4003, { event: "error", data: { code: "forbidden", message: "" } }],
      ]) {
        let fetched = 0;
        const delays = [];
        const turn = () => new Promise((resolve) => realTimeout.call(window, resolve));
        const connection = new Connection(plainWire("http://unused"), new TokenSource(async () => `token ${++fetched}`));
        let stopped;
        connection.on("stopped", (error) => (stopped = error.code));
        connection.open();
        await turn();
        const socket = ScriptedSocket.made.at(-1);
        socket.onopen();
        if (push) socket.onmessage({ data: JSON.stringify(push) });
        window.setTimeout = (run, delay) => (delays.push([run, delay]), 0);
        socket.onclose({ code });
        window.setTimeout = realTimeout;
        const { state } = connection;
        delays[0]?.[0]();
        await turn();
        const again = ScriptedSocket.made.at(-1);
        seen[name] = { state, stopped, delay: delays[0]?.[1], returned: again !== socket, token: again.protocols[1] };
        connection.close();
      }
    } finally {
      window.WebSocket = realSocket;
    }
    return seen;
  });

  const between = (low, high, value) => assert.ok(low <= value && value <= high, `${value} is not between ${low} and ${high}`);
  between(7250, 7500, seen.draining.delay);
  between(250, 500, seen.lost.delay);
  between(250, 500, seen.expired.delay);
  between(9250, 9500, seen.flooding.delay);
  for (const name of ["draining", "lost", "flooding"]) {
    assert.deepEqual([seen[name].state, seen[name].returned, seen[name].token], ["waiting", true, "bearer.token 1"], name);
  }
  assert.deepEqual([seen.expired.state, seen.expired.token], ["waiting", "bearer.token 2"]);
  assert.deepEqual([seen.removed.state, seen.removed.stopped, seen.removed.returned], ["closed", "forbidden", false]);
});

test("an end over Socket.IO is answered as its close code is", async () => {
  const codes = await page.evaluate(async () => {
    const { socketIoWire } = await import("/client/socket_io_wire.js");
    const codes = {};
    for (const [name, ...heard] of [
      ["lost", ["disconnect", "transport close"]],
      ["draining", ["any", "draining", { reconnectInMs: 10 }], ["disconnect", "transport close"]],
      ["expired", ["any", "error", { code: "token_expired" }], ["disconnect", "io server disconnect"]],
      ["flooding", ["any", "error", { code: "rate_limited", retryAfterMs: 10 }], ["disconnect", "io server disconnect"]],
      ["removed", ["any", "error", { code: "forbidden" }], ["disconnect", "io server disconnect"]],
      ["unreachable", ["connect_error", new Error("xhr poll error")]],
      ["refused", ["connect_error", Object.assign(new Error("no"), { data: { code: "unauthenticated" } })]],
    ]) {
      const listeners = {};
      const io = () => ({ on: (event, listener) => (listeners[event] = listener), onAny: (listener) => (listeners.any = listener) });
      socketIoWire("http://unused", io)("token", { opened() {}, pushed() {}, lost: (code) => (codes[name] = code) });
      for (const [event, ...args] of heard) listeners[event](...args);
    }
    return codes;
  });
  assert.deepEqual(codes, { lost: 1006, draining: 1006, expired: 4001, flooding: 4029, removed: 4003, unreachable: 1006, refused: 4001 });
});

test("addresses of images are resolved against the server, and nothing that a person wrote is touched", async () => {
  const seen = await page.evaluate(async () => {
    const { resolveImages } = await import("/client/images.js");
    const image = (url) => ({ id: "m", roomId: "r", seq: 1, kind: "image", data: { url, thumbnailUrl: url, width: 1 } });
    const path = "/api/v1/images/a.jpg?expires=1&signature=0";
    const whole = "https://cdn.example/api/v1/images/a.jpg";
    const written = { kind: "text", seq: 2, data: { nested: image(path) } };
    const server = "https://chat.example/talk";
    return resolveImages(
      { room: { lastMessage: image(path) }, messages: [image(whole), written, { kind: "image", seq: 3 }], none: null, text: path },
      server,
    );
  });
  const address = "https://chat.example/talk/api/v1/images/a.jpg?expires=1&signature=0";
  assert.equal(seen.room.lastMessage.data.url, address);
  assert.equal(seen.room.lastMessage.data.thumbnailUrl, address);
  assert.equal(seen.messages[0].data.url, "https://cdn.example/api/v1/images/a.jpg");
  assert.ok(seen.messages[1].data.nested.data.url.startsWith("/api/"));
  assert.deepEqual([seen.messages[2].data, seen.text.startsWith("/api/")], [undefined, true]);
});

/** A wire whose attempts a test answers, each with its token; `turn` lets what was answered have its effect. */
const scripted = () =>
  page.evaluate(() => {
    window.attempts = [];
    window.wire = (token, events) => {
      const attempt = { token, sent: [], ...events };
      window.attempts.push(attempt);
      return {
        request: (event, data, answered) => attempt.sent.push({ event, data, answered }),
        notify() {},
        close: () => (attempt.closed = true),
      };
    };
    window.turn = () => new Promise((resolve) => setTimeout(resolve));
  });

test("what a new token can mend is tried at once, one time", async () => {
  await scripted();
  const seen = await page.evaluate(async () => {
    const { Connection } = await import("/client/connection.js");
    const { TokenSource } = await import("/client/token_source.js");
    const seen = {};
    for (const code of [4001, 1006]) {
      window.attempts = [];
      let fetched = 0;
      const connection = new Connection(window.wire, new TokenSource(async () => `token ${++fetched}`), { whyNot: async () => undefined });
      const tokens = () => window.attempts.map(({ token }) => token).join();
      const steps = [];
      const step = async (act) => {
        act();
        await window.turn();
        steps.push(`${connection.state} ${tokens()}`);
      };
      await step(() => connection.open());
      await step(() => window.attempts.at(-1).lost(code));
      await step(() => window.attempts.at(-1).lost(code));
      // "Connect now"
      await step(() => connection.retryNow());
      await step(() => window.attempts.at(-1).lost(code));
      await step(() => window.attempts.at(-1).opened());
      seen[code] = steps;
      connection.close();
    }
    return seen;
  });
  const tokens = (...numbers) => numbers.map((number) => `token ${number}`).join();
  assert.deepEqual(seen[4001], [
    `connecting ${tokens(1)}`,
    `connecting ${tokens(1, 2)}`,
    `waiting ${tokens(1, 2)}`,
    `connecting ${tokens(1, 2, 3)}`,
    `connecting ${tokens(1, 2, 3, 4)}`,
    `open ${tokens(1, 2, 3, 4)}`,
  ]);
  assert.deepEqual(seen[1006], [
    `connecting ${tokens(1)}`,
    `connecting ${tokens(1, 2)}`,
    `waiting ${tokens(1, 2)}`,
    `connecting ${tokens(1, 2, 2)}`,
    `connecting ${tokens(1, 2, 2, 3)}`,
    `open ${tokens(1, 2, 2, 3)}`,
  ]);
});

test("a connection that can't be opened is explained where the wire can't, and final reasons stop it", async () => {
  await scripted();
  const seen = await page.evaluate(async () => {
    const { Connection } = await import("/client/connection.js");
    const { HaggleError } = await import("/client/error.js");
    const { TokenSource } = await import("/client/token_source.js");
    const seen = {};
    for (const code of ["origin_refused", "forbidden", "unreachable", "rate_limited"]) {
      const connection = new Connection(window.wire, new TokenSource(async () => "token"), { whyNot: async () => new HaggleError(code) });
      let stopped;
      connection.on("stopped", (error) => (stopped = error.code));
      connection.open();
      await window.turn();
      window.attempts.at(-1).lost(1006);
      await window.turn();
      window.attempts.at(-1).lost(1006);
      await window.turn();
      seen[code] = [connection.state, stopped];
      connection.close();
    }
    return seen;
  });
  assert.deepEqual(seen, {
    origin_refused: ["closed", "origin_refused"],
    forbidden: ["closed", "forbidden"],
    unreachable: ["waiting", undefined],
    rate_limited: ["waiting", undefined],
  });
});

test("silence is asked about after half of the ping timeout, and ends the connection after all of it", async () => {
  await scripted();
  const seen = await page.evaluate(async () => {
    const { Connection } = await import("/client/connection.js");
    const { TokenSource } = await import("/client/token_source.js");
    const connection = new Connection(window.wire, new TokenSource(async () => "token"));
    const lost = new Promise((resolve) => connection.on("state", (state) => state === "waiting" && resolve(performance.now())));
    connection.open();
    await window.turn();
    const [attempt] = window.attempts.slice(-1);
    attempt.opened();
    const heartbeats = () => attempt.sent.filter(({ event }) => event === "heartbeat");
    heartbeats()[0].answered({ data: { serverTime: "2030-01-01T00:00:00.000Z", pingIntervalMs: 60_000, pingTimeoutMs: 600 } });
    const answeredAt = performance.now();
    const year = new Date(connection.now()).getUTCFullYear();
    // A word of the server's puts the question off.
    await new Promise((resolve) => setTimeout(resolve, 100));
    attempt.pushed({ event: "typing", data: {} });
    const heardAt = performance.now();
    const lostAt = await lost;
    const result = { year, asked: heartbeats().length, after: lostAt - heardAt, first: heardAt - answeredAt, closed: attempt.closed };
    connection.close();
    return result;
  });
  assert.deepEqual([seen.year, seen.closed], [2030, true]);
  assert.ok(seen.asked >= 2, `it asked ${seen.asked} times`);
  assert.ok(seen.after >= 590 && seen.after < 20_000, `it was given up ${seen.after} ms after the last word`);
});

test("a token is renewed by the server's clock, whatever the device's says", async () => {
  const delays = await page.evaluate(async () => {
    const { ServerClock } = await import("/client/clock.js");
    const { TokenSource } = await import("/client/token_source.js");
    const delays = [];
    for (const days of [-3, 0, 3]) {
      const clock = new ServerClock();
      const server = Date.now() + days * 86_400_000;
      clock.set(new Date(server).toISOString(), performance.now());
      const exp = Math.floor(server / 1000) + 3600;
      // The issuer's clock is wrong as well.
      const token = `x.${btoa(JSON.stringify({ exp, iat: exp - 7200 }))}.x`;
      const tokens = new TokenSource(async () => token, clock);
      await tokens.get();
      delays.push(Math.round(tokens.renewalInMs() / 60_000));
    }
    return delays;
  });
  assert.deepEqual(delays, [59, 59, 59]);
});
