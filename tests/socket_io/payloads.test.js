import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askWell, CLIENTS, connected, enter, next } from "./support/client.js";
import { Haggle } from "./support/haggle.js";

/* What is too much or of the wrong kind costs its sender an error or the connection, and the others nothing. */

let haggle;
before(async () => (haggle = await Haggle.start()));
after(() => haggle?.stop());

for (const client of CLIENTS) {
  test(`${client.name}: a megabyte is refused cleanly`, async (t) => {
    const room = await haggle.room();
    const seller = await enter(t, client, haggle, room, room.seller);
    const buyer = await enter(t, client, haggle, room, room.buyer);
    const { engine } = buyer.io;
    if (!client.transports && engine.transport.name !== "websocket") await next(engine, "upgrade");

    const lost = next(buyer, "disconnect");
    const back = next(buyer, "connect");
    back.catch(() => {});
    const answer = await Promise.race([ask(buyer, "message", "x".repeat(1_000_000)), lost]);
    if (typeof answer === "string") await back;
    else assert.equal(answer.error.code, "too_large");
    lost.catch(() => {});

    await connected(buyer);
    await askWell(buyer, "enterRoom", room.id);
    await askWell(buyer, "message", "a shorter one, then");
    await seller.ear.hears("message", ({ text }) => text === "a shorter one, then");
    assert.deepEqual(seller.ear.texts, ["a shorter one, then"]);
    assert.deepEqual(seller.ear.all("disconnect"), []);
  });

  test(`${client.name}: a message just over its limit gets too_large, and the connection stays`, async (t) => {
    const room = await haggle.room();
    const buyer = await enter(t, client, haggle, room, room.buyer);
    const { id } = buyer;
    for (const text of ["x".repeat(16_385), "é".repeat(8_193), "\u0001".repeat(16_385)]) {
      assert.equal((await ask(buyer, "message", text)).error.code, "too_large");
    }
    await askWell(buyer, "message", "x".repeat(16_384));
    await askWell(buyer, "message", "\u0001".repeat(16_383) + "x");
    assert.equal(buyer.id, id);
  });

  test(`${client.name}: bytes are refused with \`invalid\`, and the connection stays`, async (t) => {
    const room = await haggle.room();
    const buyer = await enter(t, client, haggle, room, room.buyer);
    const { id } = buyer;
    const bytes = Buffer.from([1, 2, 3]);
    for (const [event, data] of [
      ["message", bytes],
      ["message", { text: bytes }],
      ["message", { text: "with data", data: { deep: [bytes] } }],
      ["message", new Uint8Array(0)],
      ["enterRoom", bytes],
      ["noSuchEvent", bytes],
    ]) {
      const answer = await ask(buyer, event, data);
      assert.deepEqual([answer.ok, answer.error?.code], [false, "invalid"], `${event} ${JSON.stringify(data)}`);
    }
    buyer.emit("message", { text: bytes });
    assert.equal((await buyer.ear.hears("error")).code, "invalid");
    await askWell(buyer, "message", "in words, then");
    assert.deepEqual([buyer.id, buyer.ear.texts], [id, ["in words, then"]]);
  });
}
