import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, PHONE, Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";
import { HostSite } from "./support/host.js";

/* The components on another origin's page, under its own policy and its own style. */

let server;
let site;
let browser;

before(async () => {
  site = await HostSite.start({ chat: () => server.url, tokenOf: (user) => server.tokenOf(user) });
  [server, browser] = await Promise.all([DemoServer.start({ HAGGLE_ALLOWED_ORIGIN: site.url, HAGGLE_FRAME_ANCESTORS: site.url }), launchBrowser()]);
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

const visit = (options, window) => Window.open(browser, site.page(options), window);

/** What an element looks like: everything that the browser computes. */
const look = (locator) =>
  locator.evaluate((element) => {
    const style = getComputedStyle(element);
    return Object.fromEntries([...style].filter((name) => !/^(width|height|inline-size|block-size|perspective-origin|transform-origin|top|right|bottom|left|inset-.*)$/.test(name)).map((name) => [name, style[name]]));
  });

test("a script and an element are a whole integration: two people talk, from a page of another origin under a strict policy", async () => {
  const buyer = await visit({ user: "jonas" });
  const seller = await visit({ user: "priya" }, { viewport: PHONE });
  await seller.page.locator(".inbox-row").first().waitFor();
  await seller.look("embed-inbox-phone");
  await buyer.page.locator(".inbox-row", { hasText: "Steel touring bike" }).click();
  await buyer.page.locator(".history[aria-busy=false]").waitFor();
  await buyer.until(() => focused()?.matches("textarea"));
  await buyer.send("Is it still there?");
  await seller.page.locator(".inbox-row", { hasText: "Is it still there?" }).click();
  await seller.page.locator(".history[aria-busy=false]").waitFor();
  await seller.send("Yes, it is");
  await buyer.message("Yes, it is").waitFor();
  await buyer.message("Is it still there?", "read").waitFor();
  // Pictures of people and products come from the server, and not from the page's own origin.
  await buyer.until(() => all(".inbox-row img").length > 0 && all(".inbox-row img").every((image) => image.complete && image.naturalWidth > 0));
  await buyer.look("embed-desk");
  await seller.look("embed-conversation-phone");
  // A narrow messenger shows one pane, and its way back.
  await seller.page.getByRole("button", { name: "Back" }).click();
  await seller.page.locator(".inbox-row").first().waitFor();
  await seller.until(() => focused()?.matches(".inbox-row") && focused().textContent.includes("Yes, it is"));
  assert.equal(await buyer.page.title(), "A shop", "the title is the page's own");
  await Promise.all([buyer.close(), seller.close()]);
});

test("nothing of the page's style reaches in, and nothing leaks out", async () => {
  const [plain, hostile] = [await visit({ user: "jonas" }), await visit({ user: "jonas", hostile: "" })];
  const looks = [];
  for (const window of [plain, hostile]) {
    await window.page.locator(".inbox-row", { hasText: "Steel touring bike" }).click();
    await window.page.locator(".history[aria-busy=false]").waitFor();
    await window.page.mouse.move(0, 0);
    const { page } = window;
    const inside = {};
    for (const selector of [".inbox-row >> nth=0", ".inbox-name >> nth=0", ".pane-head h2", ".bubble >> nth=0", ".composer textarea", ".send", ".conversation-head", ".conversation-menu", ".avatar img >> nth=0"]) {
      inside[selector] = await look(page.locator(selector));
    }
    await page.locator(".conversation-menu").click();
    inside.menu = await look(page.locator(".menu"));
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Offer", exact: true }).click();
    inside.dialog = await look(page.locator("dialog"));
    await page.locator("dialog .icon-button").click();
    looks.push(inside);
  }
  for (const [selector, style] of Object.entries(looks[0])) assert.deepEqual(looks[1][selector], style, selector);
  await hostile.screenshot("embed-hostile-desk");

  // The page looks as it does without the components.
  const bare = await visit({ user: "jonas", body: "<p></p>" });
  for (const selector of ["body", "#own", "#own-button"]) assert.deepEqual(await look(plain.page.locator(selector)), await look(bare.page.locator(selector)), selector);
  assert.deepEqual(await plain.page.evaluate(() => [document.adoptedStyleSheets.length, document.head.querySelectorAll("style, link[rel=modulepreload]").length, document.querySelectorAll("[style]").length, all("[style]").filter((element) => element.matches(":not(textarea, .menu)")).length]), [0, 0, 0, 0]);
  await Promise.all([plain.close(), hostile.close(), bare.close()]);
});

test("the page's router decides where one goes: elements of their own share one connection, and dispatch what is wanted", async () => {
  const server_ = `server="${server.url}" token-url="/chat-token"`;
  const before = site.tokens;
  const window = await visit({ user: "mina", body: `<haggle-unread ${server_}></haggle-unread><haggle-inbox ${server_}></haggle-inbox><haggle-conversation ${server_} back></haggle-conversation>` });
  const { page } = window;
  await page.evaluate(() => {
    window.asked = [];
    document.addEventListener("haggle-navigate", (event) => {
      event.preventDefault();
      window.asked.push(event.detail);
      document.querySelector("haggle-conversation").room = event.detail.roomId ?? "";
      document.querySelector("haggle-inbox").room = event.detail.roomId ?? "";
    });
    document.addEventListener("haggle-unread", ({ detail }) => (document.title = `${detail.unread} unread`));
  });
  await page.locator("haggle-unread .badge").waitFor();
  await page.locator(".inbox-row", { hasText: "Brass desk lamp" }).click();
  await page.locator(".history[aria-busy=false]").waitFor();
  await page.locator(".inbox-row[aria-current=page]", { hasText: "Brass desk lamp" }).waitFor();
  await window.send("Hello from two elements");
  await page.locator("haggle-inbox").getByText("You: ").first().waitFor();
  await window.screenshot("embed-elements-desk");
  await page.locator(".back").click();
  await page.locator(".history").waitFor({ state: "detached" });
  const asked = await page.evaluate(() => window.asked);
  assert.deepEqual(asked.map(({ view }) => view), ["room", "inbox"]);
  assert.match(await page.title(), /^\d+ unread$/);
  assert.equal(site.tokens - before, 1, "one token for three elements");

  // With addresses of the page's own they are links.
  await page.evaluate(() => (document.querySelector("haggle-inbox").hrefFor = ({ roomId }) => `/chats/${roomId}`));
  await page.locator("a.inbox-row").first().waitFor();
  assert.match(await page.locator("a.inbox-row").first().getAttribute("href"), /^\/chats\/room-/);
  await window.close();
});

test("language, words, theme and parts are the page's to choose", async () => {
  const window = await visit({ user: "jonas", lang: "ko" });
  const { page } = window;
  await page.getByRole("heading", { name: "채팅" }).waitFor();
  await page.evaluate(() => {
    const messenger = document.querySelector("haggle-messenger");
    messenger.lang = "de";
    messenger.strings = { search: "Finde es wieder" };
  });
  await page.getByRole("heading", { name: "Nachrichten" }).waitFor();
  await page.getByRole("searchbox", { name: "Finde es wieder" }).waitFor();
  const colour = (selector) => page.locator(selector).evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.equal(await colour(".inbox"), "rgb(255, 255, 255)");
  await page.evaluate(() => document.querySelector("haggle-messenger").setAttribute("theme", "dark"));
  assert.equal(await colour(".inbox"), "rgb(24, 28, 26)");
  await window.screenshot("embed-dark-de-desk");
  await page.evaluate(() => {
    document.querySelector("haggle-messenger").removeAttribute("theme");
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("haggle-messenger { --haggle-surface: rgb(250, 240, 230); --haggle-brand: rgb(120, 0, 120) } haggle-messenger::part(inbox) { border-radius: 0 }");
    document.adoptedStyleSheets = [sheet];
  });
  assert.equal(await colour(".inbox"), "rgb(250, 240, 230)");
  assert.equal(await page.locator(".inbox").evaluate((element) => getComputedStyle(element).borderRadius), "0px");

  // One part in colours of its own, with all that is written on it; and corners, everywhere.
  await page.locator(".inbox-row").first().click();
  await page.locator(".history[aria-busy=false]").waitFor();
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("haggle-messenger { --haggle-radius: 3px } haggle-messenger::part(header) { color-scheme: dark; background: #134e4a; --haggle-ink: rgb(250, 251, 252); --haggle-ink-soft: rgb(230, 231, 232) }");
    document.adoptedStyleSheets = [sheet];
  });
  const written = (selector) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).color);
  assert.deepEqual([await written(".conversation-who h2"), await written(".conversation-state:not([data-online])"), await written(".inbox h2")], ["rgb(250, 251, 252)", "rgb(230, 231, 232)", "rgb(28, 33, 31)"]);
  const corner = (selector) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).borderTopLeftRadius);
  assert.deepEqual([await corner(".conversation"), await corner(".product-strip")], ["3px", "3px"]);
  await window.look("embed-header-in-own-colours");
  await window.close();
});

test("without a session of the page's own it says so, and goes on once there is one", async () => {
  const code = `document.addEventListener("haggle-stopped", ({ detail }) => (document.title = detail.code))`;
  const signedIn = `server="${server.url}" token-url="/chat-token"`;
  // No module: it listens before the components are defined, however fast they come.
  const window = await visit({ body: `<script src="/own.js?${new URLSearchParams({ code })}"></script><haggle-unread ${signedIn}></haggle-unread><haggle-inbox ${signedIn}></haggle-inbox>` });
  const { page } = window;
  await page.getByRole("alert").getByText("This session has ended").waitFor();
  await page.getByText("Please sign in again.").waitFor();
  await page.evaluate(() => (document.cookie = "user=mina"));
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator(".inbox-row").first().waitFor();
  await page.locator("haggle-unread .badge").waitFor();
  assert.equal(await page.title(), "unauthenticated");
  // Where an element stands is the page's affair: one that is moved goes on.
  const before = site.tokens;
  await page.evaluate(() => {
    document.body.prepend(document.querySelector("haggle-inbox"));
    document.querySelector("haggle-inbox").focus();
  });
  await window.until(() => focused()?.type === "search");
  assert.equal(site.tokens, before);
  window.faults = window.faults.filter((fault) => !/401/.test(fault));
  await window.close();
});

test("a page whose backend gives no good token says so, to the user and on the console", async () => {
  for (const [body, reason] of [
    [JSON.stringify({ jwt: "under another name" }), /holds no token/],
    ["{ not json", /holds no token/],
    ["<html>Sign in</html>", /no user: it must be a JWT with `sub`/],
    // Signed with another secret: the server's own words.
    [JSON.stringify({ token: `${btoa('{"alg":"HS256"}')}.${btoa('{"sub":"jonas","exp":4102444800}')}.AAAA`.replaceAll("=", "") }), /signature does not match/],
  ]) {
    const window = await visit({ user: "jonas" });
    const { page } = window;
    const warnings = [];
    page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
    await page.route("**/chat-token", (route) => route.fulfill({ body }));
    await page.reload();
    await page.getByText("Please sign in again.").waitFor();
    const ours = warnings.filter((text) => text.startsWith("haggle: "));
    assert.equal(ours.length, 1, `${warnings}`);
    assert.match(ours[0], reason);
    window.faults = window.faults.filter((fault) => !/401|WebSocket/.test(fault));
    await window.close();
  }
});

test("notifications are a module and an element more: they know the messenger's room, and lead there", async () => {
  const code = `
    window.shown = [];
    window.questions = 0;
    window.Notification = class { static permission = "default"; static async requestPermission() { questions += 1; return (this.permission = "granted"); } constructor(title, options) { shown.push(Object.assign(this, { title, ...options })); } close() {} };
    document.hasFocus = () => !window.away;
    Object.defineProperty(document, "visibilityState", { get: () => (window.away ? "hidden" : "visible") });`;
  const signedIn = `server="${server.url}" token-url="/chat-token"`;
  const scripts = `<script type="module" src="/own.js?${new URLSearchParams({ code })}"></script>`;
  const before = site.tokens;
  const window = await visit({ user: "amara", body: `${scripts}<haggle-messenger ${signedIn}></haggle-messenger><haggle-notifications ${signedIn}></haggle-notifications>` });
  const { page } = window;
  await window.openChat("Priya");
  await window.send("Is it still there?");
  await window.message("Is it still there?", "sent").waitFor();
  await window.until(() => window.questions === 1);
  assert.equal(site.tokens - before, 1, "one session for both");
  const say = (text) => server.api("POST", "/rooms/room-amara-guitar/messages", { text, clientId: text }, { as: "priya" });
  await say("Seen");
  await window.message("Seen").waitFor();
  // The inbox hears of it a moment later, and the notifications with it.
  await page.locator(".inbox-row", { hasText: "Seen" }).waitFor();
  await page.evaluate(() => {
    window.away = true;
    document.querySelector("haggle-messenger").room = "";
  });
  await say("Unseen");
  await window.until(() => window.shown.length > 0);
  assert.deepEqual(await page.evaluate(() => window.shown.map(({ body }) => body)), ["Unseen"]);
  await page.evaluate(() => window.shown[0].onclick());
  await page.locator("#conversation-title", { hasText: "Priya" }).waitFor();
  await window.close();
});

test("in an iframe, the page around it hands in the token, hears where one goes, and says what to show", async () => {
  const code = `
    const frame = document.querySelector("iframe");
    window.heard = [];
    addEventListener("message", async ({ source, origin, data }) => {
      if (source !== frame.contentWindow || origin !== ${JSON.stringify(server.url)}) return;
      window.heard.push(data);
      if (data.haggle === "token") source.postMessage({ haggle: "token", token: (await (await fetch("/chat-token")).json()).token }, origin);
    });`;
  const body = `<iframe title="Chat" src="${server.url}/embed/frame.html?lang=ko"></iframe><script type="module" src="/own.js?${new URLSearchParams({ code })}"></script>`;
  const window = await visit({ user: "amara", body });
  const { page } = window;
  const frame = page.frameLocator("iframe");
  await frame.getByRole("heading", { name: "채팅" }).waitFor();
  await frame.locator(".inbox-row", { hasText: "Parlour guitar" }).click();
  await frame.locator(".history[aria-busy=false]").waitFor();
  await frame.locator(".composer textarea").fill("From a frame");
  await frame.locator(".send").click();
  await frame.locator('.line[data-state="sent"]', { hasText: "From a frame" }).waitFor();
  await window.until(() => window.heard.some(({ haggle, view, roomId }) => haggle === "navigate" && view === "room" && roomId));
  await window.until(() => window.heard.some(({ haggle, unread }) => haggle === "unread" && unread >= 0));
  await window.screenshot("embed-frame-desk");
  await page.evaluate((url) => document.querySelector("iframe").contentWindow.postMessage({ haggle: "show", room: "", lang: "en" }, url), server.url);
  await frame.getByRole("heading", { name: "Chats" }).waitFor();
  await frame.locator(".history").waitFor({ state: "detached" });
  await window.close();

  // Nobody else may show it.
  const other = await HostSite.start({ chat: () => server.url, tokenOf: (user) => server.tokenOf(user) });
  const refused = await Window.open(browser, other.page({ user: "amara", body: `<iframe title="Chat" src="${server.url}/embed/frame.html"></iframe>` }));
  await refused.until(() => performance.getEntriesByType("navigation")[0].loadEventEnd > 0);
  assert.match(refused.faults.join("\n"), /frame-ancestors/);
  await refused.page.context().close();
  await other.stop();
});

test("a page whose origin is not listed gets no script", async () => {
  const response = await fetch(`${server.url}/embed/haggle.js`, { headers: { origin: "https://evil.example" } });
  assert.equal(response.headers.get("access-control-allow-origin"), null);
  const listed = await fetch(`${server.url}/embed/haggle.js`, { headers: { origin: site.url } });
  assert.equal(listed.headers.get("access-control-allow-origin"), site.url);
});

test("a banned member reads until when, in words, and finds no button that only repeats it", async () => {
  await server.api("PUT", "/users/priya/ban", { until: "2999-01-02T12:00:00.000Z", reason: "a test" });
  const member = await visit({ user: "priya" });
  await member.page.getByText(/^The marketplace has closed your access until Jan 2, 2999, .*\.$/).waitFor();
  assert.equal(await member.page.getByRole("button", { name: "Try again" }).count(), 0);
  await server.api("DELETE", "/users/priya/ban");
  member.faults = member.faults.filter((fault) => !/status of 403|response code: 403/.test(fault));
  await member.close();
});
