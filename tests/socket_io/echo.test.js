import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { CLIENTS, connect, connected, Ear, next } from "./support/client.js";
import { WireEcho } from "./support/wire_echo.js";

/* The official client and the wire alone: what the chat refuses, such as bytes, still has to travel. */

let echo;
before(async () => (echo = await WireEcho.start()));
after(() => echo?.stop());

for (const client of CLIENTS) {
  test(`${client.name}: any arguments come back, bytes included`, async (t) => {
    const socket = connect(t, client, echo.url, { auth: { token: "123" } });
    const ear = new Ear(socket);
    assert.deepEqual(await ear.hears("auth"), { token: "123" });
    const bytes = randomBytes(300_000);
    const cases = [[], [1, "2", { 3: [true, null] }], [Buffer.from([1, 2, 3])], [{ deep: [{ bytes }] }, "text", Buffer.alloc(0)], ["ünï€😀".repeat(10_000)]];
    for (const args of cases) {
      const back = new Promise((resolve) => socket.once("message-back", (...args) => resolve(args)));
      socket.emit("message", ...args);
      assert.deepEqual(await back, args);
      const acknowledged = new Promise((resolve) => socket.emit("message-with-ack", ...args, (...args) => resolve(args)));
      assert.deepEqual(await acknowledged, args);
    }
  });

  test(`${client.name}: many messages come back in their order, over several heartbeats`, async (t) => {
    const socket = connect(t, client, echo.url);
    const ear = new Ear(socket);
    const count = 300;
    for (let index = 0; index < count; index++) socket.emit("message", index);
    await ear.hears("message-back", (index) => index === count - 1);
    assert.deepEqual(ear.all("message-back"), Array.from({ length: count }, (_, index) => index));
    await Promise.all([1, 2, 3].map(() => new Promise((resolve) => socket.io.on("ping", resolve))));
    assert.ok(socket.connected);
  });

  test(`${client.name}: namespaces on one connection, one of them unknown`, async (t) => {
    const socket = await connected(connect(t, client, echo.url));
    const custom = socket.io.socket("/custom", { auth: { name: "second" } });
    const ear = new Ear(custom);
    assert.deepEqual(await ear.hears("auth"), { name: "second" });
    const unknown = socket.io.socket("/unknown");
    assert.equal((await next(unknown, "connect_error")).message, "Invalid namespace");
    custom.emit("message", "by the second");
    assert.equal(await ear.hears("message-back"), "by the second");
    custom.disconnect();
    socket.emit("message", "by the first");
    assert.equal(await next(socket, "message-back"), "by the first");
  });
}
