import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";
import { en } from "../../static/staff/languages/en.js";
import { ko } from "../../static/staff/languages/ko.js";

/* Conversations with support: the desk's page of those who wait, and what a user sees of theirs. */

stage({});

/** Somebody's support room, in which they have just said something. */
async function ask(user, text) {
  const { id } = await server.api("POST", "/rooms", { kind: "support", userId: user });
  await server.api("POST", `/rooms/${id}/messages`, { text }, { as: user });
  return id;
}

for (const [name, user, options, t] of [
  ["desk-light", "jonas", { viewport: DESK }, en],
  ["phone-dark-ko", "mina", { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" }, ko],
]) {
  test(`who waits is answered by keyboard: ${name}`, async () => {
    const words = `I can't find my order. ${name}`;
    const room = await ask(user, words);
    const desk = await DeskWindow.signIn(browser, server, options);
    const { page } = desk;
    await page.keyboard.press("6");
    await desk.row(words).waitFor();
    await desk.row("the receipts still go to the old one").waitFor();
    // Amara of the demo waits longer.
    assert.equal(await page.locator("[data-row]").first().getAttribute("data-row"), "room-amara-support");
    assert.match(await page.title(), /^\(\d\) /);
    assert.match(await desk.row(words).textContent(), new RegExp(t.conversations.since));
    await desk.look(`staff-conversations-${name}`);
    await page.locator(`[data-row="${room}"]`).focus();
    await page.keyboard.press("Enter");
    await desk.line(words).waitFor();
    await page.getByRole("heading", { level: 1, name: t === ko ? "고객센터" : "Support" }).waitFor();
    assert.equal(await page.getByText(t.product.title, { exact: true }).count(), 0);
    await desk.look(`staff-support-${name}`);
    await page.keyboard.press("i");
    await desk.confirm({ reason: "They asked for help" });
    await desk.focused(".composer-bar textarea");
    await page.keyboard.type("Which one?");
    await page.keyboard.press("Control+Enter");
    await desk.line("Which one?").waitFor();
    assert.equal(await desk.line("Which one?").getAttribute("data-side"), "end");
    await page.keyboard.press("Escape");
    await page.keyboard.press("w");
    await desk.dialog.waitFor();
    assert.equal(await desk.dialog.getByLabel("Support", { exact: true }).count(), 0, "nobody warns the staff");
    await page.keyboard.press("Escape");
    await desk.dialog.waitFor({ state: "detached" });

    await page.keyboard.press("6");
    await desk.row("the receipts still go to the old one").waitFor();
    assert.equal(await desk.row(words).count(), 0, "they wait no more");
    for (const list of ["support", "joined"]) {
      await page.getByRole("button", { name: t.conversations.lists[list], exact: true }).click();
      await page.locator(`[data-row="${room}"]`).waitFor();
    }
    await server.api("PUT", `/rooms/${room}/freeze`, { reason: "a test" });
    await page.getByRole("button", { name: t.conversations.lists.frozen, exact: true }).click();
    await page.locator(`[data-row="${room}"]`, { hasText: t.conversation.frozen }).waitFor();
    await server.api("DELETE", `/rooms/${room}/freeze`);
    // It asks again by itself.
    await page.getByText(t.conversations.none.frozen, { exact: true }).waitFor();
    await desk.go(`#/people/${user}`);
    await page.locator(`[data-row="${room}"]`).waitFor();
    await desk.close();
  });
}

for (const [name, options, support] of [
  ["desk-light", { viewport: DESK }, "Support"],
  ["phone-dark-ko", { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" }, "고객센터"],
]) {
  test(`a user's conversation with support has no product and nobody to block: ${name}`, async () => {
    const member = await (await Window.open(browser, server.url, options)).signIn("Amara");
    const { page } = member;
    await page.evaluate(() => (location.hash = "#/chats"));
    const row = page.locator('.inbox-row[data-room="room-amara-support"]');
    await row.waitFor();
    assert.equal(await row.locator(".inbox-name").textContent(), support);
    assert.equal(await row.locator(".inbox-product, .picture").count(), 0);
    await member.look(`inbox-support-${name}`);
    await row.click();
    await page.locator(".history[aria-busy=false]").waitFor();
    assert.equal(await page.locator("#conversation-title").textContent(), support);
    assert.equal(await page.locator(".product-strip").count(), 0);
    assert.equal(await page.locator(".conversation-state").textContent().then((text) => text.trim()), "");
    await member.look(`conversation-support-${name}`);
    await page.locator(".conversation-menu").click();
    await page.locator("[role=menu]").waitFor();
    assert.equal(await page.locator("[role=menuitem], [role=menuitemradio]").count(), 4, "pin, mute, mark, archive");
    await page.keyboard.press("Escape");
    await server.api("POST", "/rooms/room-amara-support/messages", { text: `Hello from the marketplace ${name}` });
    await page.getByText(`Hello from the marketplace ${name}`, { exact: true }).first().waitFor();
    await member.close();
  });
}

test("who begins to wait while one looks is announced, and R asks again", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  const list = /\/staff\/rooms\?list=waiting/;
  await page.keyboard.press("6");
  await page.getByRole("button", { name: en.conversations.lists.waiting, exact: true }).waitFor();
  await page.waitForResponse((response) => list.test(response.url()));
  const room = await ask("sofia", "Nobody has answered me yet");
  await page.locator(`[data-row="${room}"]`).waitFor();
  await desk.said(en.conversations.arrived(1));
  await page.waitForResponse((response) => list.test(response.url()));
  const asked = page.waitForRequest(list, { timeout: 3_000 });
  await page.keyboard.press("r");
  await asked;
  // Of the other lists nothing is said.
  await page.getByRole("button", { name: en.conversations.lists.support, exact: true }).click();
  await page.locator(`[data-row="${room}"]`).waitFor();
  const other = await ask("junho", "And nobody knows me here");
  await page.locator(`[data-row="${other}"]`).waitFor();
  assert.equal(await page.locator(".said").textContent(), "");
  await desk.close();
});

test("names of haggle's own are in the reader's language, and without a product no line is empty", async () => {
  const room = await ask("sofia", "An axolotl in the parcel");
  const desk = await DeskWindow.signIn(browser, server, { locale: "ko-KR", place: "#/search" });
  const { page } = desk;
  const senders = [
    ["탈퇴한 사용자", { sender: { id: "x", name: "Deleted user", nameCode: "deleted_user", role: "staff" } }],
    ["고객센터", { senderId: "system" }],
    [ko.marketplace, { senderId: "system", kind: "system" }],
  ];
  await page.route(/\/search\/all\?/, async (route) => {
    const response = await route.fetch();
    const { items } = await response.json();
    const found = senders.map(([, said], index) => ({ ...items[0], message: { ...items[0].message, id: `${index}`, ...said } }));
    await route.fulfill({ response, json: { items: found } });
  });
  await page.locator("#search-words").fill("axolotl");
  await page.locator("#search-reason").fill("A question about a parcel");
  await page.locator("#search-reason").press("Enter");
  await desk.row("axolotl").first().waitFor();
  assert.deepEqual(await desk.row("axolotl").locator("strong").allTextContents(), senders.map(([name]) => name));
  await desk.go("#/people/sofia");
  await page.locator(`[data-row="${room}"]`).waitFor();
  assert.equal(await page.locator(`[data-row="${room}"] .plain-line`).count(), 0);
  await desk.close();

  const member = await (await Window.open(browser, server.url)).signIn("Sofía");
  await member.page.getByRole("searchbox").fill("axolotl");
  await member.page.locator(".found").first().waitFor();
  assert.equal(await member.page.locator(".found .inbox-product").count(), 0);
  await member.close();
});

test("a report from a conversation without a product opens", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await server.api("POST", "/reports", { roomId: "room-jonas-bike", category: "spam", text: "From nowhere" }, { as: "jonas" });
  await page.route(/\/api\/v1\/rooms\/[\w-]+\?reason=/, async (route) => {
    const response = await route.fetch();
    const { product, ...rest } = await response.json();
    await route.fulfill({ response, json: { ...rest, kind: "support" } });
  });
  await desk.row("From nowhere").click();
  await page.getByRole("button", { name: en.report.openConversation }).first().waitFor();
  await page.getByRole("button", { name: en.conversation.warn, exact: true }).waitFor();
  assert.equal(await page.locator(".report .facts").getByText(en.product.title, { exact: true }).count(), 0);
  await desk.close();
});

for (const [name, user, options, t] of [
  ["desk-light", "priya", { viewport: DESK }, en],
  ["phone-dark-ko", "junho", { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" }, ko],
]) {
  test(`a conversation that needs no answer waits no more, from the list and from within: ${name}`, async () => {
    const words = `Thank you, that was all. ${name}`;
    const room = await ask(user, words);
    const desk = await DeskWindow.signIn(browser, server, options);
    const { page } = desk;
    const row = page.locator(`[data-row="${room}"]`);
    const within = page.getByRole("button", { name: t.conversation.endWait, exact: true });
    await page.keyboard.press("6");
    await row.focus();
    await page.keyboard.press("n");
    await desk.confirm({ reason: "Only thanks" });
    await desk.said(t.actions.endWait.done);
    await row.waitFor({ state: "detached" });
    await desk.focused("main *, main");

    // Who writes again waits again.
    await server.api("POST", `/rooms/${room}/messages`, { text: `And one more thing. ${name}` }, { as: user });
    await row.waitFor();
    await desk.look(`staff-conversations-wait-${name}`);
    await row.press("Enter");
    await within.waitFor();
    await desk.look(`staff-support-wait-${name}`);
    await page.keyboard.press("n");
    await desk.confirm();
    await within.waitFor({ state: "detached" });
    await desk.go("#/conversations?list=waiting");
    await page.getByRole("button", { name: t.refresh, exact: true }).waitFor();
    assert.equal(await row.count(), 0);

    await desk.go(`#/audit?roomId=${room}`);
    const entry = page.locator(".entry", { hasText: t.audit.actions.end_wait });
    await entry.filter({ hasText: "Only thanks" }).waitFor();
    assert.equal(await entry.count(), 2);
    await desk.close();
  });
}
