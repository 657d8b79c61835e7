import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Proxy } from "../socket_io/support/proxy.js";
import { Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";
import { browser, server, stage } from "./support/stage.js";

/* Networks that die without a word, clocks that are wrong, and servers that take no connection from a page. */

const PING_TIMEOUT_MS = 4_000;
/** What a loaded machine may need in addition: a failing test waits three times as long as it should have to. */
const SLACK_MS = 2 * PING_TIMEOUT_MS;
const DAY_MS = 86_400_000;

stage({ HAGGLE_PING_TIMEOUT: `${PING_TIMEOUT_MS}ms`, HAGGLE_PING_INTERVAL: "10m" });

for (const wire of ["socketIo", "plain"]) {
  describe(`over ${wire}`, () => {
    test("a connection that dies without a word is replaced within the ping timeout", async (t) => {
      const proxy = await Proxy.start(t, server.url);
      const buyer = await (await Window.open(browser, proxy.url, { wire })).signIn("김민아");
      const seller = await (await Window.open(browser, server.url, { wire })).signIn("Sofía");
      await buyer.openChat("Brass desk lamp");
      await seller.openChat("Brass desk lamp");
      await seller.send(`are you there, ${wire}?`);
      await buyer.message(`are you there, ${wire}?`).waitFor();

      proxy.freeze();
      const frozenAt = Date.now();
      await seller.send(`and now, ${wire}?`);
      await buyer.message(`and now, ${wire}?`).waitFor({ timeout: PING_TIMEOUT_MS + SLACK_MS });
      t.diagnostic(`back after ${Date.now() - frozenAt} ms`);
      assert.equal(await buyer.message(`and now, ${wire}?`).count(), 1);
      buyer.forgiveLostConnections();
      await Promise.all([buyer.close(), seller.close()]);
    });

    for (const days of [-3, 3]) {
      test(`an offer counts down by the server's clock on a device that is ${days} days off`, async () => {
        const seller = await (await Window.open(browser, server.url, { wire })).signIn("박준호");
        await seller.page.addInitScript((offset) => {
          const Real = Date;
          globalThis.Date = class extends Real {
            constructor(...args) {
              if (args.length === 0) super(Real.now() + offset);
              else super(...args);
            }
            static now() {
              return Real.now() + offset;
            }
          };
        }, days * DAY_MS);
        await seller.page.reload();
        const buyer = await (await Window.open(browser, server.url, { wire })).signIn("Amara");
        const { id } = await server.api("POST", "/rooms", { productId: "turntable" }, { as: "amara" });
        await server.api("POST", `/rooms/${id}/offers`, { amount: 100_000 + days, currency: "KRW" }, { as: "amara" });
        await seller.openChat("Amara");
        const card = seller.page.locator('.offer[data-status="pending"]');
        await card.getByText("48 h left").waitFor();
        await card.getByRole("button", { name: "Accept" }).waitFor();
        await Promise.all([buyer.close(), seller.close()]);
      });
    }
  });
}

/** A page of another origin than the server's, with a client of its own. */
async function visit(url) {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(url.replace("127.0.0.1", "localhost"));
  const connect = (wire, token) =>
    page.evaluate(
      async ({ wire, token, url }) => {
        const { HaggleClient } = await import("/client/client.js");
        const { plainWire } = await import("/client/plain_wire.js");
        const { socketIoWire } = await import("/client/socket_io_wire.js");
        const { io } = await import("/vendor/socket.io.esm.min.js");
        const client = new HaggleClient({ userId: "mina", baseUrl: url, fetchToken: async () => token, wire: wire === "plain" ? plainWire(url) : socketIoWire(url, io) });
        const ended = new Promise((resolve) => client.on("stopped", ({ code, message }) => resolve({ code, message })));
        const opened = new Promise((resolve) => client.on("state", (state) => state === "open" && resolve({ code: "open" })));
        client.connect();
        const outcome = await Promise.race([ended, opened]);
        client.close();
        return outcome;
      },
      { wire, token, url },
    );
  return { connect, close: () => context.close() };
}

async function tokenOf(server, userId) {
  const response = await fetch(`${server.url}/api/v1/demo/sign-in`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ userId }),
  });
  return (await response.json()).token;
}

test("a page whose origin may not connect is told so, on both wires, and one that may connects", async (t) => {
  const open = await DemoServer.start({ HAGGLE_ALLOWED_ORIGIN: "*" });
  t.after(() => open.stop());
  for (const [at, expected] of [
    [server, "origin_refused"],
    [open, "open"],
  ]) {
    const page = await visit(at.url);
    const token = await tokenOf(at, "mina");
    for (const wire of ["plain", "socketIo"]) {
      const outcome = await page.connect(wire, token);
      assert.equal(outcome.code, expected, wire);
      if (expected !== "open") assert.match(outcome.message, /http:\/\/localhost:\d+ .*--allowed-origin/);
    }
    await page.close();
  }
});

test("a user who was removed is told so, on both wires", async () => {
  const { page } = await Window.open(browser, server.url);
  const token = await tokenOf(server, "priya");
  await server.api("DELETE", "/users/priya");
  const codes = await page.evaluate(async (token) => {
    const { HaggleClient } = await import("/client/client.js");
    const { plainWire } = await import("/client/plain_wire.js");
    const { socketIoWire } = await import("/client/socket_io_wire.js");
    const { io } = await import("/vendor/socket.io.esm.min.js");
    const codes = [];
    for (const wire of [plainWire(location.origin), socketIoWire(location.origin, io)]) {
      const client = new HaggleClient({ userId: "priya", baseUrl: location.origin, fetchToken: async () => token, wire });
      codes.push(await new Promise((resolve) => (client.on("stopped", ({ code }) => resolve(code)), client.connect())));
    }
    return codes;
  }, token);
  assert.deepEqual(codes, ["forbidden", "forbidden"]);
  await page.context().close();
});
