import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { askWell, CLIENTS, connect, connected, Ear, next } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { Log } from "./support/waiting.js";

/* The server goes and comes back, and the conversation has neither a hole nor a double. */

let haggle;
before(async () => (haggle = await Haggle.start()));
after(() => haggle?.stop());

/** What an application keeps: the last `seq` it has, so that it can ask for what came after it. */
class Reader {
  arrived = new Log();
  last = 0;

  constructor(socket, roomId) {
    socket.on("message", (message) => this.#take(message));
    socket.on("connect", () => {
      // A recovered connection is still in its room, and what it missed is on its way.
      if (socket.recovered) return;
      // In the acknowledgement itself and not behind a promise: a live message may come in the same breath.
      socket.emit("enterRoom", { roomId, after: this.last }, (answer) => {
        assert.equal(answer.ok, true);
        for (const message of answer.data.messages) this.#take(message);
      });
    });
  }

  get seqs() {
    return this.arrived.entries.map(({ seq }) => seq);
  }

  get texts() {
    return this.arrived.entries.map(({ text }) => text);
  }

  #take(message) {
    this.last = Math.max(this.last, message.seq);
    this.arrived.add(message);
  }
}

/** Sends until it is acknowledged, over however many connections: the `clientId` keeps it one message. */
async function send(socket, roomId, text) {
  for (;;) {
    await connected(socket);
    const lost = new Promise((resolve) => socket.once("disconnect", resolve));
    const stored = await Promise.race([askWell(socket, "message", { roomId, text, clientId: text }), lost]);
    if (stored?.seq) return stored;
  }
}

for (const client of CLIENTS) {
  test(`${client.name}: nothing is lost or doubled by a SIGKILL in the middle of a conversation`, async (t) => {
    const room = await haggle.room();
    const buyer = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token });
    const seller = connect(t, client, `${haggle.url}/chat`, { token: room.seller.token });
    const reader = new Reader(seller, room.id);
    await Promise.all([connected(buyer), connected(seller)]);

    const texts = Array.from({ length: 15 }, (_, index) => `message ${index + 1}`);
    const stored = [];
    let restarted;
    for (const text of texts) {
      const sending = send(buyer, room.id, text);
      // Killed while this message is under way, somewhere between the client and the disk.
      if (text === "message 8") restarted = haggle.kill().then(() => haggle.restart());
      stored.push(await sending);
    }
    await restarted;

    assert.deepEqual(stored.map(({ seq, text }) => [seq, text]), texts.map((text, index) => [index + 1, text]));
    await reader.arrived.find(({ seq }) => seq === texts.length, "the last message");
    assert.deepEqual(reader.seqs, texts.map((_, index) => index + 1), "in order, each once");
    assert.deepEqual(reader.texts, texts);
    assert.deepEqual((await haggle.history(room)).map(({ text }) => text), texts);
  });

  test(`${client.name}: a drain is announced, and the client comes back by itself`, async (t) => {
    const room = await haggle.room();
    const buyer = connect(t, client, `${haggle.url}/chat`, { token: room.buyer.token });
    const ear = new Ear(buyer);
    const reader = new Reader(buyer, room.id);
    await send(buyer, room.id, "before");
    await reader.arrived.find(({ text }) => text === "before", "the message from before");

    // Restarted whatever happens, for the tests after this one.
    t.after(() => haggle.running || haggle.restart());
    const comesBack = ear.hears("disconnect").then(() => next(buyer, "connect"));
    comesBack.catch(() => {});
    await haggle.drain();
    assert.equal(typeof (await ear.hears("draining")).reconnectInMs, "number");
    assert.notEqual(await ear.hears("disconnect"), "io server disconnect");
    assert.equal(buyer.active ?? true, true, "the client is on its way back");
    await haggle.restart();
    await comesBack;
    await send(buyer, room.id, "after");
    await reader.arrived.find(({ text }) => text === "after", "the message from after");
    assert.deepEqual(reader.texts, ["before", "after"]);
  });
}
