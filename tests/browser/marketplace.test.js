import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launchBrowser, PHONE, Window } from "./support/browser.js";
import { Shop } from "./support/shop.js";

/* The example: a shop with accounts of its own on one origin, and the chat server on another. */

const EXAMPLE = new URL("../../examples/marketplace/", import.meta.url);
const LINES_MAX = 150;

let shop;
let browser;

before(async () => {
  [shop, browser] = await Promise.all([Shop.start(), launchBrowser()]);
});

after(async () => {
  await browser?.close();
  await shop?.stop();
});

async function signIn(id, password, options) {
  const window = await Window.open(browser, shop.url, options);
  await window.page.getByLabel("Name").fill(id);
  await window.page.getByLabel("Password").fill(password);
  await window.page.getByRole("button", { name: "Sign in" }).click();
  await window.page.getByRole("heading", { name: "For sale" }).waitFor();
  return window;
}

test("two people with accounts of the shop find each other, agree on a price, and the shop hears of it", async () => {
  const buyer = await signIn("alice", "wonderland");
  const seller = await signIn("sam", "gamgee", { viewport: PHONE });

  await buyer.page.locator("li", { hasText: "A red bike" }).getByRole("button", { name: "Chat with seller" }).click();
  await buyer.page.locator(".history[aria-busy=false]").waitFor();
  assert.match(buyer.page.url(), /\/chats\/[\w-]+$/);
  await buyer.send("Is it still there?");
  await buyer.message("Is it still there?", "sent").waitFor();
  await shop.printed(/^mail to sam: 1 unread about A red bike$/);

  await seller.page.locator("header haggle-unread .badge").getByText("1").waitFor();
  await seller.look("shop-phone");
  await seller.page.getByRole("link", { name: /Chats/ }).click();
  await seller.page.locator(".inbox-row", { hasText: "Alice" }).click();
  await seller.page.locator(".history[aria-busy=false]").waitFor();
  assert.match(seller.page.url(), /\/chats\/[\w-]+$/, "the address is the shop's");
  await buyer.message("Is it still there?", "read").waitFor();

  await buyer.page.getByRole("button", { name: "Offer", exact: true }).click();
  await buyer.page.locator("dialog input").fill("120");
  await buyer.page.getByRole("button", { name: "Send the offer" }).click();
  await seller.page.getByRole("button", { name: "Accept" }).click();
  await seller.page.locator("dialog").getByRole("button", { name: "Accept" }).click();
  await buyer.page.getByText("It’s reserved for you").waitFor();
  await buyer.look("shop-desk");

  // The browser's back button is the shop's, too.
  await seller.page.goBack();
  await seller.page.locator(".inbox-row", { hasText: "Alice" }).waitFor();

  // By the events the shop itself has learned of it.
  await buyer.until(async () => (await (await fetch("/")).text()).includes("<em>reserved</em>"));
  await Promise.all([buyer.close(), seller.close()]);
});

test("nobody gets a token, or a webhook through, without being who they say", async () => {
  assert.equal((await fetch(`${shop.url}/chat-token`)).status, 401);
  const headers = { "haggle-signature": `t=${Math.floor(Date.now() / 1000)},v1=${"0".repeat(64)}` };
  assert.equal((await fetch(`${shop.url}/webhook`, { method: "POST", headers, body: "{}" })).status, 401);
  assert.equal((await fetch(`${shop.url}/webhook`, { method: "POST", body: "{}" })).status, 401);
});

test("the routes that docs/backend.md prints sign good tokens and open the buyer's room", async () => {
  const page = await readFile(new URL("../../docs/backend.md", import.meta.url), "utf8");
  const printed = page.split("```js\n").slice(1).map((rest) => rest.split("```")[0]);
  assert.equal(printed.length, 2);
  const code = printed.join("\n").replace("https://chat.example", shop.chat);
  assert.ok(code.includes(shop.chat));
  // Among the example's modules, where `jose` is found.
  const file = fileURLToPath(new URL("node_modules/.backend.mjs", EXAMPLE));
  await writeFile(file, code.replace(/^(import .*)$/m, "$1\nexport default ({ app, process }) => {") + "\n};\n");
  const { default: install } = await import(pathToFileURL(file));
  const routes = {};
  const add = (path, route) => (routes[path] = route);
  install({ app: { get: add, post: add }, process: { env: { HAGGLE_JWT_SECRET: shop.jwtSecret, HAGGLE_SERVICE_KEY: shop.serviceKey } } });
  const call = async (path, req) => {
    const answer = {};
    const res = { set: (name, value) => ((answer[name] = value), res), json: (body) => Object.assign(answer, body), sendStatus: (status) => (answer.status = status) };
    await routes[path](req, res);
    return answer;
  };
  const alice = { session: { user: { id: "alice" } } };
  const { token, ...headers } = await call("/chat-token", alice);
  assert.deepEqual(headers, { "cache-control": "no-store" });
  const me = await fetch(`${shop.chat}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await me.json()).id, "alice");
  assert.deepEqual(await call("/chat-token", { session: {} }), { status: 401 });
  const asked = { ...alice, params: { id: "bike" } };
  const [first, again] = [await call("/products/:id/chat", asked), await call("/products/:id/chat", asked)];
  assert.ok(first.room && first.room === again.room, JSON.stringify([first, again]));
});

test("it is less than 150 lines of its own", async () => {
  const files = (await readdir(EXAMPLE, { recursive: true })).filter((path) => /\.(js|css)$/.test(path) && !path.startsWith("node_modules"));
  const texts = await Promise.all(files.map((path) => readFile(new URL(path, EXAMPLE), "utf8")));
  const lines = texts.join("\n").split("\n").filter((line) => line.trim() !== "" && !/^\s*(\/\/|\/?\*)/.test(line));
  assert.ok(lines.length < LINES_MAX, `${lines.length} lines in ${files}`);
});
