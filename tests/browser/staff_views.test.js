import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";
import { en } from "../../static/staff/languages/en.js";
import { ko } from "../../static/staff/languages/ko.js";

/* The desk of the staff: each of its views, what can be done there, and its keyboard. `staff_desk.test.js` has the journeys. */

const ROOM = "room-mina-camera";

stage({}, async () => {
  const { items } = await server.api("GET", `/rooms/${ROOM}/messages`);
  await server.api("POST", "/reports", { roomId: ROOM, messageId: items[1].id, category: "scam", text: "계좌로 먼저 입금하라고 해요." }, { as: "mina" });
  await server.api("POST", "/reports", { roomId: "room-jonas-bike", category: "harassment", text: "He keeps insisting." }, { as: "priya" });
  await server.api("POST", `/rooms/${ROOM}/messages`, { text: "연락처는 010-1234-5678이에요", clientId: "phone" }, { as: "junho" });
  await server.api("POST", `/rooms/${ROOM}/offers`, { amount: 900000, currency: "KRW", clientId: "offer" }, { as: "mina" });
  const removed = await server.api("POST", `/rooms/${ROOM}/messages`, { text: "Removed words", clientId: "removed" }, { as: "junho" });
  await server.api("DELETE", `/rooms/${ROOM}/messages/${removed.id}?reason=a%20test`);
  const edited = await server.api("POST", `/rooms/${ROOM}/messages`, { text: "Before", clientId: "edited" }, { as: "junho" });
  await server.api("PATCH", `/rooms/${ROOM}/messages/${edited.id}`, { text: "After the edit" }, { as: "junho" });
  const deleted = await server.api("POST", `/rooms/${ROOM}/messages`, { text: "Taken back", clientId: "deleted" }, { as: "junho" });
  await server.api("DELETE", `/rooms/${ROOM}/messages/${deleted.id}`, undefined, { as: "junho" });
  await server.api("PUT", "/users/amara/mute", { until: "2999-01-01T00:00:00.000Z", reason: "Insults" });
  await server.api("PUT", "/users/sofia/ban", { reason: "Sold what does not exist" });
  await server.api("POST", "/users/junho/notes", { text: "Called us, sounds honest" });
});

const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1440, height: 900 };
const looks = [
  ["desk-light", { viewport: DESK }, en],
  ["wide-dark-ko", { viewport: WIDE, colorScheme: "dark", locale: "ko-KR" }, ko],
  ["phone-light-ko", { viewport: PHONE, locale: "ko-KR" }, ko],
  ["narrow-dark", { viewport: NARROW, colorScheme: "dark" }, en],
  ["desk-forced", { viewport: DESK, forcedColors: "active" }, en],
];

for (const [name, options, t] of looks) {
  test(`each view is accessible and fits: ${name}`, async () => {
    const before = await Window.open(browser, `${server.url}/staff`, options);
    await before.page.locator(".person").first().waitFor();
    await before.look(`staff-sign-in-${name}`);
    await before.close();

    const desk = await DeskWindow.signIn(browser, server, options);
    const { page } = desk;
    const look = (view) => desk.look(`staff-${view}-${name}`);
    await desk.row("계좌로").or(desk.row("네, 아직 있어요")).first().waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), t === ko ? "ko" : "en");
    await look("reports");
    await page.locator(".queue-row").first().click();
    await page.locator(".message[data-marked]").waitFor();
    await page.locator(".note, .notes .notice").first().waitFor();
    await look("report");
    await page.getByRole("button", { name: t.report.uphold, exact: true }).click();
    await look("uphold");
    await page.keyboard.press("Escape");
    await desk.dialog.waitFor({ state: "detached" });

    for (const [view, place, ready] of [
      ["conversation", `#/conversations/${ROOM}`, desk.line("Removed words")],
      ["person", "#/people/junho", page.locator(".note")],
      ["product", "#/products/touring-bike", desk.row("Jonas Weber")],
      ["sanctions", "#/sanctions", desk.row("Sold what does not exist")],
      ["audit", "#/audit?userId=sofia", desk.row("Sold what does not exist")],
      ["operations", "#/operations", page.locator("#threads-title")],
      ["nobody", "#/people/nobody", page.getByRole("alert")],
      ["search", "#/search", page.locator("#search-words")],
    ]) {
      await desk.go(place);
      await ready.waitFor();
      await look(view);
    }
    await page.locator("#search-words").fill("010");
    await page.locator("#search-reason").fill("a test");
    await page.locator("#search-reason").press("Enter");
    await page.locator("mark").first().waitFor();
    await look("found");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await desk.dialog.waitFor();
    await look("keys");
    desk.forgiveRefusals();
    await desk.close();
  });
}

test("a conversation shows what was edited, deleted and removed, offers, and contacts", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: `#/conversations/${ROOM}` });
  const { page } = desk;
  await desk.line("Removed words").waitFor();
  assert.match(await desk.line("Removed words").textContent(), /Removed by the marketplace.*It said:.*Removed words/s);
  assert.match(await desk.line("After the edit").textContent(), /Edited.*Edited: before.*Before/s);
  assert.equal(await desk.line("Taken back").count(), 0);
  assert.equal(await desk.line("Deleted by its sender").count(), 1);
  assert.match(await desk.line("₩900,000").textContent(), /Waiting/);
  assert.equal(await desk.line("₩900,000").getByRole("button").count(), 0, "an offer can't be removed");
  assert.match(await desk.line("010-1234-5678").textContent(), /a phone number/);
  assert.equal(await page.locator(".message a").count(), 0, "what users write leads staff nowhere");
  await desk.close();
});

test("search across conversations says why, and leads to the message", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.locator(".queue-row").first().waitFor();
  await page.keyboard.press("/");
  await desk.focused("#search-words");
  await page.keyboard.type("cassette");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("Please say why").waitFor();
  await desk.focused("#search-reason");
  await page.keyboard.type("A dispute about parts");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "1 message found" }).waitFor();
  await desk.focused(".row[data-row]");
  assert.equal(await page.locator(".said").textContent(), "", "a count is no result of an action");
  await desk.row("cassette").click();
  await page.locator(".message[data-sought]", { hasText: "cassette" }).waitFor();
  await desk.focused("[data-sought]");
  const [entry] = (await server.api("GET", "/audit?actorId=moderator&limit=200")).items.filter(({ action }) => action === "search_messages");
  assert.deepEqual([entry.reason, entry.details], ["A dispute about parts", { q: "cassette" }]);
  // Back to what was found, and straight to something by its id.
  await page.keyboard.press("Escape");
  await desk.row("cassette").waitFor();
  await desk.focused(".row[data-row]");
  await page.getByRole("textbox", { name: "Id", exact: true }).fill("touring-bike");
  await page.getByRole("combobox", { name: "What" }).selectOption("product");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await page.getByRole("heading", { name: "Steel touring bike" }).waitFor();
  await desk.close();
});

test("a search can be changed, runs again only on the way back from a result, and ends with the sign-in", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  let searches = 0;
  page.on("request", (request) => request.url().includes("/search/all") && (searches += 1));
  const words = page.locator("#search-words");
  await desk.go("#/search");
  await words.fill("cassette");
  await page.locator("#search-reason").fill("A dispute about parts");
  await page.locator("#search-reason").press("Enter");
  await desk.row("cassette").click();
  await page.locator(".message[data-sought]").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("mark").waitFor();
  assert.equal(searches, 2);

  await page.keyboard.press("4");
  await page.locator(".entry").first().waitFor();
  await page.goBack();
  await words.waitFor();
  assert.equal(await words.inputValue(), "cassette");
  assert.equal(await page.locator("mark").count(), 0);

  await page.getByRole("button", { name: "Sign out" }).click();
  await desk.dialog.getByRole("button", { name: "Sign out" }).click();
  await page.locator(".person", { hasText: "Noor Haddad" }).click();
  await page.locator(".desk").waitFor();
  await desk.go("#/search");
  await words.waitFor();
  assert.equal(await words.inputValue(), "");
  assert.equal(searches, 2);
  await desk.close();
});

test("a conversation stays as far as it was read, after an action, too", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.route(/\/messages\?/, (route) => route.continue({ url: route.request().url().replace("limit=50", "limit=2") }));
  await desk.go(`#/conversations/${ROOM}`);
  await desk.until(() => document.querySelectorAll(".message").length === 2);
  await page.getByRole("button", { name: "Show older messages" }).dblclick();
  await desk.until(() => document.querySelectorAll(".message").length > 2);
  await page.getByRole("button", { name: "Show older messages" }).and(page.locator("[aria-disabled=false]")).waitFor();
  const read = await page.locator(".message").allTextContents();
  assert.equal(new Set(read).size, 4);
  assert.equal(read.length, 4);
  await page.keyboard.press("f");
  await desk.confirm({ reason: "a test" });
  await page.locator(".page .status", { hasText: "Frozen" }).waitFor();
  assert.deepEqual(await page.locator(".message").allTextContents(), read);
  await page.keyboard.press("f");
  await desk.confirm();
  await page.locator(".page .status", { hasText: "Frozen" }).waitFor({ state: "detached" });
  await desk.close();
});

test("a report whose conversation can't be read says so, and reads it again", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  const rooms = /\/api\/v1\/rooms\/[\w-]+\?reason=/;
  await page.route(rooms, (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ code: "unavailable", status: 503 }) }));
  await desk.row("He keeps insisting.").or(page.locator(".queue-row")).first().click();
  await page.locator(".report").getByRole("alert").getByText("The server is busy").waitFor();
  assert.equal(await page.getByRole("button", { name: "Warn a member" }).count(), 0);
  await page.unroute(rooms);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("alert").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Warn a member" }).waitFor();
  desk.faults = desk.faults.filter((fault) => !/status of 503/.test(fault));
  await desk.close();
});

test("a report is taken, shown as whose it is, and given back", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  const { assignees } = en.queue;
  await page.locator(".queue-row").nth(1).waitFor();
  const [first] = (await server.api("GET", "/reports")).items;
  await page.locator(`[data-row="${first.id}"]`).click();
  await page.getByRole("button", { name: en.report.take }).waitFor();
  await page.keyboard.press("t");
  await desk.said(en.report.taken);
  await page.locator(".detail .status", { hasText: en.report.assignedToYou }).waitFor();
  await page.locator(`[data-row="${first.id}"]`, { hasText: en.report.assignedToYou }).waitFor();
  await page.getByLabel(en.queue.assignee).selectOption({ label: assignees.me });
  await desk.until((id) => document.querySelectorAll(".queue-row").length === 1 && document.querySelector(`[data-row="${id}"]`), first.id);
  await page.getByLabel(en.queue.assignee).selectOption({ label: assignees.none });
  await page.locator(`[data-row="${first.id}"]`).waitFor({ state: "detached" });
  // What a colleague does shows by itself.
  await desk.go(`#/reports/${first.id}`);
  await page.getByRole("button", { name: en.report.giveBack }).waitFor();
  await server.api("PATCH", `/reports/${first.id}`, { assignee: "nils" });
  await page.locator(".detail .status", { hasText: "nils" }).waitFor();
  await page.getByRole("button", { name: en.report.takeOver }).click();
  await desk.said(en.report.taken);
  await page.keyboard.press("t");
  await desk.said(en.report.givenBack);
  assert.equal((await server.api("GET", `/reports/${first.id}`)).assigneeId, undefined);
  await desk.close();
});

test("a product is taken down and put back", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/products/monstera" });
  const { page } = desk;
  await page.getByRole("heading", { name: "Monstera" }).waitFor();
  await page.keyboard.press("t");
  await desk.confirm({ reason: "Must not be sold here" });
  await page.locator(".status", { hasText: "Taken down" }).waitFor();
  assert.equal((await server.api("GET", "/products/monstera")).unlisted, true);
  await page.keyboard.press("t");
  await desk.confirm();
  await page.locator(".status", { hasText: "Taken down" }).waitFor({ state: "detached" });
  assert.equal((await server.api("GET", "/products/monstera")).unlisted, undefined);
  await desk.close();
});

test("a person's page: mute and end it, end their sessions, export, write a note, erase", async () => {
  await server.api("PUT", "/users/mallory", { name: "Mallory" });
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/mallory" });
  const { page } = desk;
  await page.getByRole("heading", { name: "Mallory" }).waitFor();
  const status = page.locator(".person-head .status");
  await page.keyboard.press("m");
  await desk.confirm({ choose: ["1 day"], reason: "Insults" });
  await status.filter({ hasText: "Muted until" }).waitFor();
  const { mutedUntil } = await server.api("GET", "/users/mallory");
  assert.ok(Math.abs(Date.parse(mutedUntil) - Date.now() - 86_400_000) < 60_000, mutedUntil);
  await page.getByRole("button", { name: "End the mute" }).click();
  await desk.confirm();
  await status.waitFor({ state: "detached" });

  await page.getByRole("button", { name: "End their sessions" }).click();
  await desk.confirm();
  await desk.said("were ended");
  await page.getByRole("button", { name: "Export their data" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), desk.confirm()]);
  assert.equal(download.suggestedFilename(), "mallory.ndjson");
  await page.getByLabel("Write a note").fill("Looks like a second account");
  await page.getByRole("button", { name: "Add the note" }).click();
  await page.locator(".note", { hasText: "Looks like a second account" }).waitFor();

  await page.getByRole("button", { name: "Erase", exact: true }).click();
  // Only by the id, typed; and then the page shows it at once.
  await desk.dialog.getByLabel("Type the id mallory to confirm").fill("Mallory");
  await page.keyboard.press("Control+Enter");
  await desk.dialog.getByRole("alert").getByText("This is not the id.").waitFor();
  await desk.dialog.getByText("The id can’t be used again").waitFor();
  await desk.dialog.getByLabel("Type the id mallory to confirm").fill("mallory");
  await desk.confirm({ reason: "At their own wish" });
  assert.match(await status.textContent(), /^Erased /);
  await page.getByRole("heading", { name: "Deleted user" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Mute" }).count(), 0);
  await desk.close();
});

test("a person's page shows what they have archived, and each report that waits", async () => {
  await server.api("PATCH", "/rooms/room-mina-lamp/settings", { archived: true }, { as: "mina" });
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  const about = (id, state, nextCursor) => ({ items: [{ id, state, text: id, reporterId: "sofia", reportedId: "mina", roomId: ROOM, category: "spam", messages: [], createdAt: "2026-11-29T09:00:00.000Z" }], users: [], nextCursor });
  const pages = { "open ": about("first open", "open", "a b"), "open a b": about("last open", "open"), "decided ": about("first decided", "decided", "2"), "decided 2": about("last decided", "decided") };
  await page.route(/\/reports\?.*reportedId=mina/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    return route.fulfill({ json: pages[`${query.get("state")} ${query.get("cursor") ?? ""}`] });
  });
  await desk.go("#/people/mina");
  await page.getByRole("region", { name: en.person.archived }).locator("[data-row=room-mina-lamp]").waitFor();
  assert.equal(await page.getByRole("region", { name: en.person.rooms, exact: true }).locator("[data-row=room-mina-lamp]").count(), 0);

  const reports = page.getByRole("region", { name: en.person.reportsAbout });
  for (const last of ["first open", "first decided", "last decided"]) {
    await reports.locator(".row", { hasText: last }).waitFor();
    if (last !== "last decided") await reports.getByRole("button", { name: "Show more" }).click();
  }
  assert.deepEqual(await reports.locator(".excerpt").allTextContents(), ["first open", "last open", "first decided", "last decided"]);
  await desk.close();
});

test("a list is that of the filter that was chosen last, and a failure ends with it", async () => {
  for (const id of ["junho", "junho", "junho", "sofia"]) await server.api("GET", `/users/${id}`);
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  const of = (id) => page.locator(".entry", { has: page.locator(`a[href="#/people/${id}"]`) });
  const more = page.getByRole("button", { name: "Show more" });
  let gate;
  let isDown = false;
  await page.route("**/api/v1/audit?*", async (route) => {
    const url = new URL(route.request().url());
    if (url.searchParams.get("userId") === "junho") url.searchParams.set("limit", "2");
    if (url.searchParams.has("cursor")) await gate;
    await (isDown ? route.abort("connectionrefused") : route.continue({ url: url.href }));
  });
  // A late page of the list before.
  let release;
  gate = new Promise((resolve) => (release = resolve));
  await desk.go("#/audit?userId=junho");
  const late = page.waitForResponse(/cursor=/);
  await more.click();
  await desk.go("#/audit?userId=sofia");
  await of("sofia").first().waitFor();
  release();
  await (await late).finished();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  assert.equal(await of("junho").count(), 0);

  isDown = true;
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByRole("alert").waitFor();
  assert.ok((await of("sofia").count()) > 0);
  isDown = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("alert").waitFor({ state: "detached" });

  await desk.go("#/audit?userId=junho");
  await of("junho").first().waitFor();
  isDown = true;
  await more.click();
  await page.getByRole("alert").waitFor();
  isDown = false;
  await desk.go("#/audit?userId=sofia");
  await of("sofia").first().waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  desk.forgiveLostConnections();
  await desk.close();
});

test("the audit log by who, about whom and where, in pages", async () => {
  for (let n = 0; n < 55; n += 1) await server.api("GET", "/users/mina");
  // Among the newest of its conversation.
  const { id } = await server.api("POST", `/rooms/${ROOM}/messages`, { text: "Removed later", clientId: "removed-later" }, { as: "junho" });
  await server.api("DELETE", `/rooms/${ROOM}/messages/${id}?reason=a%20test`);
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/mina" });
  const { page } = desk;
  await page.getByRole("link", { name: "In the audit log" }).click();
  await desk.row("Looked up a person").first().waitFor();
  assert.equal(await page.locator(".entry").count(), 50);
  await page.getByRole("button", { name: "Show more" }).click();
  await desk.until(() => document.querySelectorAll(".entry").length > 50);
  await page.getByRole("button", { name: "What I did" }).click();
  await desk.until(() => [...document.querySelectorAll(".entry")].length > 0 && [...document.querySelectorAll(".entry")].every((entry) => entry.textContent.includes("moderator")));
  await page.getByRole("combobox", { name: "Show" }).selectOption({ label: "What is about a conversation" });
  await page.getByRole("textbox", { name: "Id", exact: true }).fill(ROOM);
  await page.getByRole("textbox", { name: "Id", exact: true }).press("Enter");
  await desk.row("Removed a message").first().waitFor();
  assert.match(await page.evaluate(() => location.hash), new RegExp(`roomId=${ROOM}`));
  await desk.close();
});

test("the keyboard alone is enough, and can be had without keys of one letter", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.locator(".queue-row").nth(1).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("ArrowDown");
  const second = await page.locator(".queue-row").nth(1).getAttribute("data-row");
  await desk.focused(`[data-row="${second}"]`);
  await page.keyboard.press("Enter");
  await desk.focused("#report-title");
  await page.keyboard.press("Escape");
  await desk.focused(`[data-row="${second}"]`);
  for (const [key, section] of [["5", "Operations"], ["4", "Audit log"], ["3", "Mutes and bans"], ["2", "Search"], ["1", "Reports"]]) {
    await page.keyboard.press(key);
    await page.getByRole("heading", { name: section, level: 1 }).waitFor();
    await desk.until(() => document.activeElement !== document.body);
  }
  // A key that is held walks, and does nothing else twice.
  await page.keyboard.down("3");
  await page.getByRole("heading", { name: "Mutes and bans", level: 1 }).waitFor();
  await desk.go("#/reports");
  await page.locator(".queue-row").nth(1).waitFor();
  await page.keyboard.down("3");
  await page.keyboard.up("3");
  await page.keyboard.down("j");
  await page.keyboard.down("j");
  await page.keyboard.up("j");
  await desk.focused(`[data-row="${second}"]`);
  await page.keyboard.press("?");
  await desk.dialog.getByRole("switch").press("Space");
  await page.keyboard.press("Escape");
  await desk.dialog.waitFor({ state: "detached" });
  await page.keyboard.press("4");
  await page.keyboard.press("?");
  assert.equal(await desk.dialog.count(), 0);
  assert.equal(await page.getByRole("heading", { name: "Reports", level: 1 }).count(), 1);
  await desk.close();
});

test("on a phone, a report takes the page, and the way back leads to its row", async () => {
  const desk = await DeskWindow.signIn(browser, server, { viewport: NARROW });
  const { page } = desk;
  await page.locator(".queue-row").first().click();
  await page.locator(".detail h1").waitFor();
  assert.equal(await page.locator(".queue").isVisible(), false);
  await page.getByRole("link", { name: "Back to the reports" }).click();
  await page.locator(".queue-row").first().waitFor();
  assert.equal(await page.locator(".detail").isVisible(), false);
  await desk.focused("[data-row]");
  await page.getByRole("button", { name: en.keys.title }).click();
  await desk.dialog.getByRole("switch").waitFor();
  await desk.close();
});

test("while the server can't be reached, the queue stays and says what to do", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.locator(".queue-row").first().waitFor();
  await page.route("**/api/v1/reports*", (route) => route.abort("connectionrefused"));
  await page.getByRole("alert").getByText("The server can’t be reached").waitFor();
  assert.ok((await page.locator(".queue-row").count()) > 0);
  await page.unroute("**/api/v1/reports*");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("alert").waitFor({ state: "detached" });
  desk.forgiveLostConnections();
  await desk.close();
});

test("names, titles, messages, reports and notes show markup as text", async () => {
  const hostile = (what) => `<img src=x onerror="document.title='owned'"><b>${what}</b>`;
  await server.api("PUT", "/users/trudy", { name: hostile("name") });
  await server.api("PUT", "/products/trap", { sellerId: "trudy", title: hostile("title"), price: 100, currency: "USD" });
  const { id: room } = await server.api("POST", "/rooms", { productId: "trap", buyerId: "jonas" });
  const { id: messageId } = await server.api("POST", `/rooms/${room}/messages`, { text: hostile("message"), clientId: "hostile" }, { as: "trudy" });
  const { id: report } = await server.api("POST", "/reports", { roomId: room, messageId, category: "other", text: hostile("report") }, { as: "jonas" });
  await server.api("POST", "/users/trudy/notes", { text: hostile("note") });
  await server.api("PUT", "/users/trudy/mute", { until: "2999-01-01T00:00:00.000Z", reason: hostile("reason") });

  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  for (const [place, words] of [
    [`#/reports/${report}`, ["name", "title", "message", "report"]],
    ["#/people/trudy", ["name", "note", "report", "title"]],
    [`#/conversations/${room}`, ["name", "title", "message"]],
    ["#/products/trap", ["title", "message"]],
    ["#/sanctions", ["name", "reason"]],
    ["#/audit?userId=trudy", ["reason"]],
  ]) {
    await desk.go(place);
    for (const word of words) await page.locator("main").getByText(`<b>${word}</b>`).filter({ visible: true }).first().waitFor();
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("#app :is(b, script, iframe, img:not(.logo, .picture img, .avatar img))")].map(({ outerHTML }) => outerHTML)), [], place);
  }
  await desk.go("#/search");
  await page.locator("#search-words").fill("onerror");
  await page.locator("#search-reason").fill(hostile("why"));
  await page.locator("#search-reason").press("Enter");
  await page.locator("mark", { hasText: "onerror" }).waitFor();
  assert.equal(await page.locator("main b").count(), 0);
  assert.doesNotMatch(await page.title(), /owned/);
  await desk.close();
});
