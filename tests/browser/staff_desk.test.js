import assert from "node:assert/strict";
import { test } from "node:test";
import { Window } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";

/* The desk of the marketplace's staff: its journeys. `staff_views.test.js` looks at each of its views. */

const SIGN_IN_URL = "https://shop.example/staff/chat";

stage({ HAGGLE_STAFF_SIGN_IN_URL: SIGN_IN_URL });

/** Whether somebody may send in a room, by the code that they get. */
async function codeOfSending(as, room) {
  try {
    await server.api("POST", `/rooms/${room}/messages`, { text: "Hello again", clientId: crypto.randomUUID() }, { as });
    return undefined;
  } catch (error) {
    return JSON.parse(error.message.match(/\{.*\}$/)[0]).code;
  }
}

async function messageOf(room, text) {
  const { items } = await server.api("GET", `/rooms/${room}/messages`);
  return items.find((message) => message.text === text);
}

/** The newest entries of the audit log, as the database has them. */
const audit = async (query = "") => (await server.api("GET", `/audit?limit=200${query}`)).items;

test("a scam report: read, remove the message, mute, warn the victim, by the keyboard alone", async () => {
  const room = "room-mina-lamp";
  const scam = "Send the money to my bank first, then I ship.";
  await server.api("POST", `/rooms/${room}/messages`, { text: scam, clientId: "scam" }, { as: "sofia" });
  const { id: messageId } = await messageOf(room, scam);
  const victim = await (await Window.open(browser, `${server.url}/#/rooms/${room}`)).signIn("김민아");
  await victim.message(scam).waitFor();
  await server.api("POST", "/reports", { roomId: room, messageId, category: "scam", text: "Wants me to pay outside" }, { as: "mina" });

  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await desk.row(scam).waitFor();
  assert.match(await desk.row(scam).textContent(), /About .Sofía Herrera., by .김민아./);
  await page.keyboard.press("j");
  await desk.focused("[data-row]");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^Scam:/ }).waitFor();
  await desk.focused("#report-title");
  await page.getByText("Wants me to pay outside").waitFor();
  assert.equal(await page.locator(".message[data-marked]").count(), 1);

  await page.keyboard.press("x");
  // Without a reason nothing is done.
  await desk.focused("textarea");
  await page.keyboard.press("Control+Enter");
  await desk.dialog.getByRole("alert").getByText("Please say why").waitFor();
  await desk.confirm({ reason: "Payment outside" });
  await desk.said("The message was removed.");
  await victim.page.locator(".line", { hasText: scam }).waitFor({ state: "detached" });

  await page.keyboard.press("w");
  await desk.confirm({ choose: ["김민아", "Be careful: never share passwords or codes, never pay in advance"], reason: "The other one asked for money" });
  await desk.said("The warning was sent.");
  await victim.page.locator(".system", { hasText: "never pay in advance" }).waitFor();

  await page.keyboard.press("u");
  await desk.confirm({ choose: ["7 days"], reason: "Asks for payment outside" });
  await desk.said("The report was upheld.");
  await page.locator(".queue-row", { hasText: scam }).waitFor({ state: "detached" });
  assert.equal(await codeOfSending("sofia", room), "muted");

  // It says so itself, and what was decided can be found again.
  await page.locator(".detail .status", { hasText: "Upheld" }).waitFor();
  await page.getByRole("button", { name: "Decided" }).click();
  await page.locator(".queue-row", { hasText: scam }).click();
  await page.locator(".detail .status", { hasText: "Upheld" }).waitFor();
  const done = await audit("&actorId=moderator");
  for (const action of ["remove_message", "warn_user", "decide_report"]) assert.ok(done.find((entry) => entry.action === action)?.reason, action);

  // As both see it, and to staff what it said before.
  await page.keyboard.press("c");
  const line = desk.line("It said:");
  await line.getByText(scam).waitFor();
  assert.match(await line.textContent(), /Removed by the marketplace/);
  await Promise.all([desk.close(), victim.close()]);
});

test("a frozen dispute: both read, nobody writes, until it is unfrozen", async () => {
  const room = "room-jonas-chair";
  const desk = await DeskWindow.signIn(browser, server, { place: `#/conversations/${room}` });
  const { page } = desk;
  await desk.line("how high is the seat").waitFor();
  await page.keyboard.press("f");
  await desk.confirm({ reason: "A dispute over an accepted offer" });
  await desk.said("The conversation is frozen.");
  await page.locator(".page .status", { hasText: "Frozen" }).waitFor();
  assert.deepEqual([await codeOfSending("jonas", room), await codeOfSending("sofia", room)], ["frozen", "frozen"]);
  const member = await (await Window.open(browser, `${server.url}/#/rooms/${room}`)).signIn("Jonas");
  await member.page.getByText("Frozen by the marketplace.").waitFor();

  await page.keyboard.press("f");
  await desk.confirm();
  await page.locator(".page .status", { hasText: "Frozen" }).waitFor({ state: "detached" });
  assert.equal(await codeOfSending("jonas", room), undefined);
  // What was said meanwhile is there after a refresh.
  await page.keyboard.press("r");
  await desk.line("Hello again").waitFor();
  await Promise.all([desk.close(), member.close()]);
});

test("ban a seller, and let them back in", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/priya" });
  const { page } = desk;
  await page.getByRole("heading", { name: "Priya Nair" }).waitFor();
  await desk.row("Jonas Weber").waitFor();
  await page.keyboard.press("b");
  await desk.confirm({ choose: ["Until ended by hand"], reason: "Sold what does not exist" });
  await desk.said("Priya Nair is banned.");
  await page.locator(".person-head .status", { hasText: "Banned" }).waitFor();
  assert.equal(await codeOfSending("priya", "room-jonas-bike"), "banned");

  await page.keyboard.press("3");
  await desk.row("Sold what does not exist").waitFor();
  await page.keyboard.press("j");
  // Of the two lists, this one.
  await desk.row("Priya Nair").focus();
  await page.keyboard.press("x");
  await desk.confirm({ reason: "Has apologised" });
  await desk.row("Priya Nair").waitFor({ state: "detached" });
  assert.equal(await codeOfSending("priya", "room-jonas-bike"), undefined);
  await desk.focused("main *, main");
  await desk.close();
});

test("a new report appears by itself and is announced, and watching fills no audit log", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  const unchanged = () => page.waitForResponse((response) => response.url().includes("/reports?") && response.status() === 304);
  await page.getByRole("heading", { name: "Reports" }).waitFor();
  await unchanged();
  const before = (await audit("&actorId=moderator")).length;
  await unchanged();
  assert.equal((await audit("&actorId=moderator")).length, before);

  await server.api("POST", "/reports", { roomId: "room-amara-guitar", category: "spam", text: "The same to everybody" }, { as: "amara" });
  await desk.row("The same to everybody").waitFor();
  await desk.said("1 new report");
  await desk.until(() => document.title.startsWith(`(${document.querySelectorAll(".queue-row").length}) `));
  // One that a colleague decides goes by itself.
  const { items } = await server.api("GET", "/reports?reporterId=amara");
  await server.api("PATCH", `/reports/${items[0].id}`, { decision: "dismissed" });
  await desk.row("The same to everybody").waitFor({ state: "detached" });
  await desk.close();
});

/**
 * A desk whose queue is answered by the test, and whose clock it turns. `pages`: by cursor. While `gate` is a promise, answers wait for it.
 */
async function openQueue(pages) {
  const window = Object.setPrototypeOf(await Window.open(browser, "about:blank"), DeskWindow.prototype);
  const { page } = window;
  await page.clock.install();
  const queue = { window, page, pages, gate: undefined, asked: () => page.waitForRequest(LIST), poll: () => page.clock.runFor(6_000) };
  await page.route(LIST, async (route) => {
    await queue.gate;
    await route.fulfill({ json: queue.pages[new URL(route.request().url()).searchParams.get("cursor") ?? ""] });
  });
  await page.route(/\/api\/v1\/reports\/\w+(\?|$)/, (route) => {
    const id = new URL(route.request().url()).pathname.split("/").at(-1);
    return route.fulfill({ json: { ...report(id), ...(route.request().method() === "PATCH" && { state: "decided", decision: "dismissed" }) } });
  });
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`);
  await page.locator(".desk").waitFor();
  return queue;
}

const LIST = /\/api\/v1\/reports\?/;

const report = (id) => ({ id, reporterId: "mina", reportedId: "sofia", roomId: "room-mina-lamp", category: "spam", text: `About ${id}`, messages: [], createdAt: "2026-11-29T09:00:00.000Z", state: "open" });

/** A page of the queue. */
const queueOf = (ids, nextCursor) => ({ items: ids.map(report), users: [], nextCursor });

test("the queue goes on by itself after more of it was shown, and after a fault", async () => {
  const queue = await openQueue({ "": queueOf(["one"], "2"), 2: queueOf(["two"], "3"), 3: queueOf(["three"]) });
  const { window: desk, page } = queue;
  await desk.row("About one").waitFor();
  let release;
  const hold = () => (queue.gate = new Promise((resolve) => (release = resolve)));
  // Wanted while the queue is read.
  hold();
  let asked = queue.asked();
  await queue.poll();
  await asked;
  await page.getByRole("button", { name: "Show more" }).click();
  release();
  await desk.row("About two").waitFor();
  // It takes longer than the time between two readings.
  hold();
  asked = queue.asked();
  await page.getByRole("button", { name: "Show more" }).click();
  await asked;
  await queue.poll();
  release();
  await desk.row("About three").waitFor();
  queue.pages[3] = queueOf(["three", "four"]);
  await queue.poll();
  await desk.row("About four").waitFor();

  queue.pages[""] = { items: [] };
  await queue.poll();
  await page.locator(".error-bar").getByRole("button").click();
  queue.pages[""] = queueOf(["five"]);
  await queue.poll();
  await desk.row("About five").waitFor();
  desk.faults = desk.faults.filter((fault) => !/TypeError/.test(fault));
  await desk.close();
});

test("a report that has moved up is not announced as new, and a new one takes no result's place", async () => {
  const queue = await openQueue({ "": queueOf(["one"], "2") });
  const { window: desk, page } = queue;
  await desk.row("About one").waitFor();
  queue.pages[""] = queueOf(["two"]);
  await queue.poll();
  await desk.row("About two").waitFor();
  assert.equal(await page.locator(".said").textContent(), "");

  queue.pages[""] = queueOf(["two", "three"]);
  await queue.poll();
  await desk.said("1 new report");
  await page.clock.runFor(9_000);
  await desk.row("About two").click();
  await page.locator("#report-title").waitFor();
  await page.keyboard.press("d");
  await desk.dialog.waitFor();
  queue.pages[""] = queueOf(["three", "four", "five"]);
  let release;
  queue.gate = new Promise((resolve) => (release = resolve));
  await desk.confirm();
  await desk.said("The report was dismissed.");
  release();
  await desk.row("About five").waitFor();
  assert.equal(await page.locator(".said").textContent(), "The report was dismissed.");
  await page.clock.runFor(3_200);
  await desk.said("2 new reports");
  await desk.close();
});

test("nobody asks for the queue while the page is hidden", async () => {
  const window = await Window.open(browser, "about:blank");
  const { page } = window;
  await page.clock.install();
  let asked = 0;
  page.on("request", (request) => request.url().includes("/api/v1/reports?") && (asked += 1));
  const show = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`);
  await page.locator(".queue :is(.queue-row, .empty-title)").first().waitFor();
  const first = asked;
  const answered = page.waitForResponse(/\/api\/v1\/reports\?/);
  await page.clock.runFor(6_000);
  await answered;
  assert.equal(asked, first + 1);
  await show(true);
  await page.clock.runFor(120_000);
  assert.equal(asked, first + 1);
  const again = page.waitForResponse(/\/api\/v1\/reports\?/);
  await show(false);
  await again;
  assert.equal(asked, first + 2);
  await window.close();
});

test("who is no member of the staff is refused in words, and so is a token that is not good", async () => {
  const refused = async (hash, words) => {
    const window = await Window.open(browser, `${server.url}/staff#token=${hash}`);
    await window.page.getByRole("alert").getByText(words).waitFor();
    assert.equal(await window.page.locator(".desk, .row.queue-row").count(), 0);
    assert.ok(!window.page.url().includes("token"), "the token has left the address");
    assert.equal(await window.page.getByRole("link", { name: "Sign in at the marketplace" }).getAttribute("href"), SIGN_IN_URL);
    window.faults = window.faults.filter((fault) => !/status of 40[13]/.test(fault));
    await window.close();
  };
  await refused(await server.tokenOf("jonas"), "not as a member of the staff");
  await refused("no-token", "a token that can’t be read");
  const [head, , signature] = (await server.tokenOf("moderator")).split(".");
  const forged = (claims) => [head, Buffer.from(JSON.stringify({ sub: "mallory", haggle_role: "staff", ...claims })).toString("base64url"), signature].join(".");
  await refused(forged({ exp: Date.now() / 1000 + 600 }), "The server doesn’t accept this sign-in");
});

test("a sign-in that expires says so, and the next one leads back to where one was", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/jonas" });
  const { page } = desk;
  await page.getByRole("heading", { name: "Jonas Weber" }).waitFor();
  await page.route("**/api/v1/audit*", (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ code: "token_expired", status: 401 }) }));
  await page.keyboard.press("4");
  await page.getByRole("alert").getByText("Your sign-in has expired").waitFor();
  await page.unroute("**/api/v1/audit*");
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`);
  await page.getByRole("heading", { name: "Audit log", level: 1 }).waitFor();
  await desk.row("Looked up a person").first().waitFor();
  desk.forgiveRefusals();
  await desk.close();
});

test("a link to a place leads through the sign-in, and a name of the demo is no way in elsewhere", async () => {
  const window = await Window.open(browser, `${server.url}/staff#/products/monstera`);
  await window.page.locator(".person", { hasText: "Noor Haddad" }).click();
  await window.page.getByRole("heading", { name: "Monstera" }).waitFor();
  await window.page.goto(`${server.url}/staff#as=nobody`);
  await window.page.locator(".person", { hasText: "Noor Haddad" }).waitFor();
  window.faults = window.faults.filter((fault) => !/status of 404/.test(fault));
  await window.close();
});

test("on a server that is no demo, the name of a person of the demo changes nothing", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.locator(".queue :is(.queue-row, .empty-title)").first().waitFor();
  await page.route("**/api/v1/features", (route) => route.fulfill({ json: {} }));
  const asked = page.waitForResponse("**/api/v1/features");
  await desk.go("#as=mina");
  await asked;
  await desk.until(() => !location.hash);
  await page.keyboard.press("4");
  await desk.row("Listed reports").first().waitFor();
  assert.ok(await page.evaluate(() => "token" in JSON.parse(sessionStorage.getItem("haggle.staff"))));
  await desk.close();
});

test("the token has left the address before the rest of the page is there", async () => {
  const desk = Object.setPrototypeOf(await Window.open(browser, "about:blank"), DeskWindow.prototype);
  const { page } = desk;
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  await page.route("**/staff/main.js", async (route) => {
    await gate;
    await route.continue();
  });
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`, { waitUntil: "commit" });
  await desk.until(() => sessionStorage.getItem("haggle.staff") && !location.hash);
  release();
  await page.locator(".desk").waitFor();
  await desk.close();
});

test("the demo's moderator signs in as a person, and the way back from a sign-in leads to where one was", async () => {
  const window = await Window.open(browser, server.url);
  const { page } = window;
  await page.locator(".person", { hasText: "Noor Haddad" }).click();
  await page.waitForURL("**/staff");
  await page.locator(".me", { hasText: "Noor Haddad" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("dialog").getByRole("button", { name: "Sign out" }).click();
  await page.locator(".person", { hasText: "Noor Haddad" }).click();
  await page.locator(".desk").waitFor();

  await page.evaluate(() => (location.hash = "#/people/mina"));
  await page.getByRole("heading", { name: "김민아" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("dialog").getByRole("button", { name: "Sign out" }).click();
  await page.route(SIGN_IN_URL, async (route) => route.fulfill({ status: 302, headers: { location: `${server.url}/staff#token=${await server.tokenOf("moderator")}` } }));
  await page.getByRole("link", { name: "Sign in at the marketplace" }).click();
  await page.getByRole("heading", { name: "김민아" }).waitFor();
  assert.equal(new URL(page.url()).hash, "#/people/mina");
  await window.close();
});

test("a banned colleague is signed out, with the reason in words", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  await desk.page.getByRole("heading", { name: "Reports" }).waitFor();
  await server.api("PUT", "/users/moderator", { name: "Noor Haddad" });
  await server.api("PUT", "/users/moderator/ban", { reason: "a test" });
  await desk.page.getByRole("alert").getByText("Your own account is banned").waitFor();
  await server.api("DELETE", "/users/moderator/ban");
  desk.forgiveRefusals();
  await desk.close();
});
