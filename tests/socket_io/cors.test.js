import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Haggle } from "./support/haggle.js";

/* Pages of other origins poll only where the operator said so. */

const SHOP = "https://shop.example";

let closed;
let shared;
before(async () => {
  [closed, shared] = await Promise.all([Haggle.start(), Haggle.start(["--allowed-origin", SHOP])]);
});
after(() => Promise.all([closed?.stop(), shared?.stop()]));

const ask = ({ url }, { method = "GET", query = "?EIO=4&transport=polling", ...headers } = {}) =>
  fetch(`${url}/socket.io/${query}`, { method, headers });
const allowed = (response) => response.headers.get("access-control-allow-origin");

test("without --allowed-origin no other origin is allowed", async () => {
  assert.equal(allowed(await ask(closed, { origin: SHOP })), null);
  assert.equal(allowed(await ask(closed, { origin: SHOP, method: "OPTIONS", "access-control-request-method": "POST" })), null);
  assert.equal((await ask(closed)).status, 200, "who sends no origin is no page");
  assert.equal((await ask(closed, { origin: closed.url })).status, 200, "its own pages are");
});

test("with it that one is, on errors too, and with cookies", async () => {
  for (const [query, status] of [["?EIO=4&transport=polling", 200], ["?EIO=4&transport=none", 400], ["?EIO=4&transport=polling&sid=none", 400]]) {
    const response = await ask(shared, { origin: SHOP, query });
    assert.deepEqual([response.status, allowed(response)], [status, SHOP], query);
    assert.equal(response.headers.get("access-control-allow-credentials"), "true");
    assert.match(response.headers.get("vary") ?? "", /origin/i, "a cache must not give it to another one");
  }
  const other = await ask(shared, { origin: "https://elsewhere.example" });
  assert.notEqual(allowed(other), "https://elsewhere.example");
  assert.notEqual(allowed(other), "*");
});

test("a preflight is answered", async () => {
  const asked = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };
  const response = await ask(shared, { method: "OPTIONS", origin: SHOP, ...asked });
  assert.ok([200, 204].includes(response.status), String(response.status));
  assert.equal(allowed(response), SHOP);
  assert.match(response.headers.get("access-control-allow-methods"), /POST/);
  assert.match(response.headers.get("access-control-allow-headers") ?? "", /authorization/i);
});
