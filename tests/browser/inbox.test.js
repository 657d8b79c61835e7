import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* The list of conversations: parts of it, what is found in it, and what stands where there is nothing. */

/** More than one page, and all of it newer than the demo's own conversations. */
const ROOMS = 60;

stage({}, async () => {
  await server.api("PUT", "/users/hana", { name: "하나" });
  await server.api("PUT", "/users/yuna", { name: "Ｙuna" });
  for (let number = 1; number <= ROOMS; number += 1) {
    await server.api("PUT", `/products/book-${number}`, { sellerId: "yuna", title: `Paperback ${number}`, price: 300, currency: "USD" });
    await server.api("POST", "/rooms", { productId: `book-${number}`, buyerId: "jonas" });
  }
});

const rows = ({ page }) => page.locator(".inbox-row");
const filter = ({ page }, name) => page.getByRole("radio", { name, exact: true });
const search = ({ page }) => page.getByRole("searchbox");

test("a filter finds what is pages away, and says what is missing where there is nothing", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Jonas");
  const { page } = window;
  await rows(window).first().waitFor();
  assert.equal(await rows(window).count(), 50, "the first page");
  await filter(window, "Unread").check();
  await rows(window).first().waitFor();
  assert.deepEqual(await rows(window).locator(".inbox-name").allTextContents(), ["Priya Nair"]);
  await window.look("filter-unread-desk");

  // Opened, it is no longer unread, and yet does not vanish under one's eyes.
  await window.openChat("Priya");
  await rows(window).locator(".badge").waitFor({ state: "detached" });
  assert.deepEqual(await rows(window).locator(".inbox-name").allTextContents(), ["Priya Nair"]);
  await page.goto(`${server.url}/#/market`);
  await page.getByText("You have read everything").waitFor();

  await filter(window, "Selling").check();
  await page.getByText("Nobody has asked about your things yet").waitFor();
  await window.look("filter-nothing-desk");
  await filter(window, "Buying").check();
  await window.until((all_) => all(".inbox-row").length >= all_, ROOMS);
  await window.close();
});

test("the filters are one group of radio buttons, which the arrows walk", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Priya");
  const { page } = window;
  await page.getByRole("group", { name: "Show" }).waitFor();
  await filter(window, "All").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await filter(window, "Selling").isChecked(), true);
  await page.keyboard.press("Tab");
  await window.until(() => focused()?.matches(".inbox-row"));
  await window.assertAccessible("filters");
  await window.close();
});

for (const [device, viewport, locale] of [["desk", DESK, "en-US"], ["phone", PHONE, "ko-KR"]]) {
  test(`a search finds people and products, pages away and however they are written, on a ${device}`, async () => {
    const window = await (await Window.open(browser, server.url, { viewport, locale, colorScheme: device === "phone" ? "dark" : "light" })).signIn("Jonas");
    const { page } = window;
    if (device === "phone") await page.locator(".tab-chats").click();
    const names = () => page.locator("[aria-labelledby=found-conversations] .inbox-name").allTextContents();
    const until = (count) => window.until((count) => all("[aria-labelledby=found-conversations] .inbox-row").length === count, count);
    await search(window).fill("PRIYA");
    await until(1);
    assert.deepEqual(await names(), ["Priya Nair"]);
    await search(window).fill("ｂｉｋｅ　pri");
    await until(1);
    await search(window).fill("yuna 60");
    await until(1);
    await search(window).fill("yuna");
    await until(6);
    await page.locator("[aria-labelledby=found-conversations] .inbox-more .button").click();
    await until(ROOMS);

    // In a message, too: both kinds, each under its name.
    await search(window).fill("crate");
    await page.locator("[aria-labelledby=found-messages] mark").first().waitFor();
    await search(window).fill("bike");
    await until(1);
    await window.look(`search-sections-${device}`);
    await page.locator("[aria-labelledby=found-conversations] .inbox-row").click();
    await page.locator("#conversation-title", { hasText: "Priya" }).waitFor();
    await window.close();
  });
}

test("Hangul is found composed and decomposed", async () => {
  await server.api("PUT", "/products/mug", { sellerId: "hana", title: "도자기 머그컵".normalize("NFD"), price: 12000, currency: "KRW" });
  await server.api("POST", "/rooms", { productId: "mug", buyerId: "amara" });
  const window = await (await Window.open(browser, server.url)).signIn("Amara");
  for (const words of ["머그컵", "머그컵".normalize("NFD"), "하나".normalize("NFD")]) {
    await search(window).fill(words);
    await window.page.locator("[aria-labelledby=found-conversations] .inbox-row", { hasText: "하나" }).waitFor();
    await search(window).fill("");
    await window.page.locator("[aria-labelledby=found-conversations]").waitFor({ state: "detached" });
  }
  await search(window).fill("xyzzy");
  await window.page.getByText("Nothing found for “xyzzy”").waitFor();
  await window.page.getByText("Try a person’s name, a product, or a word from a message.").waitFor();
  await window.look("search-nothing-desk");
  await window.close();
});

test("what was begun stands in the list, live, after a reload and in other windows, until it is sent", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Amara");
  const { page } = window;
  await window.openChat("Priya");
  const last = page.locator('[data-room="room-amara-guitar"] .inbox-last');
  await window.composer.pressSequentially("Could I");
  await last.getByText("Draft: Could I").waitFor();
  await window.composer.pressSequentially(" try it?");
  await last.getByText("Draft: Could I try it?").waitFor();
  await window.look("draft-desk");
  await page.reload();
  await last.getByText("Draft: Could I try it?").waitFor();
  assert.equal(await window.composer.inputValue(), "Could I try it?");

  const other = await page.context().newPage();
  await other.addInitScript(() => sessionStorage.setItem("haggle.user", JSON.stringify({ id: "amara", name: "Amara", role: "buyer" })));
  await other.goto(server.url);
  const there = other.locator('[data-room="room-amara-guitar"] .inbox-last');
  await there.getByText("Draft: Could I try it?").waitFor();
  await window.composer.fill("");
  await there.getByText("Draft:").waitFor({ state: "detached" });
  await window.composer.fill("Could I come by?");
  await there.getByText("Draft: Could I come by?").waitFor();
  await other.close();

  await page.keyboard.press("Enter");
  await window.message("Could I come by?", "sent").waitFor();
  await last.getByText("You: ").waitFor();
  await window.close();
});

test("while the list is on its way its rows are there, and one is told once how many are unread", async () => {
  const window = await Window.open(browser, server.url, { viewport: PHONE });
  const { page } = window;
  let release;
  const asked = new Promise((resolve) => (release = resolve));
  await page.route("**/api/v1/rooms?*", async (route) => {
    await asked;
    await route.continue();
  });
  await window.signIn("Jonas");
  await page.locator(".tab-chats").click();
  await page.locator(".skeleton-row").first().waitFor();
  assert.equal(await page.getByRole("status").getByText("Loading…").count(), 1);
  await window.look("inbox-loading-phone");
  release();
  await rows(window).first().waitFor();
  assert.equal(await page.locator(".inbox-skeleton").count(), 0);
  assert.equal(await page.locator(".inbox .pane-head .badge").count(), 0);
  await window.close();
});

test("somebody without a conversation is told how one begins", async () => {
  const window = await Window.open(browser, server.url, { viewport: PHONE });
  const { page } = window;
  await server.api("PUT", "/users/noor", { name: "Noor" });
  await page.addInitScript(() => sessionStorage.setItem("haggle.user", JSON.stringify({ id: "noor", name: "Noor", role: "buyer" })));
  await page.goto(`${server.url}/#/chats`);
  await page.reload();
  await page.getByText("No conversations yet").waitFor();
  await page.getByRole("link", { name: "Browse the market" }).waitFor();
  assert.equal(await page.getByRole("radio").count(), 0, "there is nothing to filter");
  await window.look("no-chats-phone");
  await window.close();
});

/** What a row's menu has, opened as by a pointer over the row, and chosen. */
async function choose({ page }, room, name) {
  const row = page.locator(".inbox-item", { has: page.locator(`[data-room="${room}"]`) });
  await row.hover();
  await row.locator(".row-menu").click();
  await page.getByRole("menuitem", { name, exact: true }).click();
}

test("a conversation is pinned, muted, marked and archived from its row, in every window of its member", async () => {
  const room = "room-amara-guitar";
  const window = await (await Window.open(browser, server.url)).signIn("Amara");
  const { page } = window;
  const row = page.locator(`[data-room="${room}"]`);
  const other = await (await Window.open(browser, server.url, { viewport: PHONE, locale: "ko-KR" })).signIn("Amara");
  await other.page.locator(".tab-chats").click();
  const there = other.page.locator(`[data-room="${room}"]`);
  await there.waitFor();

  await choose(window, room, "Pin");
  await choose(window, room, "Mute");
  await there.getByRole("img", { name: "고정됨" }).waitFor();
  await there.getByRole("img", { name: "알림 꺼짐" }).waitFor();
  await window.until((room) => all(".inbox-row")[0]?.dataset.room === room, room);
  await choose(window, room, "Mark as unread");
  await there.locator(".badge").waitFor();
  await page.locator(`[data-room="${room}"] .badge`).waitFor();
  await window.look("row-settings-desk");
  await other.look("row-settings-phone-ko");
  // It is read again when it is opened, though nothing is new in it.
  await row.click();
  await there.locator(".badge").waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Conversation options", exact: true }).click();
  await page.getByRole("menuitem", { name: "Unmute" }).waitFor();
  await window.look("conversation-menu-desk");
  await page.getByRole("menuitem", { name: "Archive", exact: true }).click();
  await there.waitFor({ state: "detached" });
  await row.waitFor({ state: "detached" });
  await filter(other, "보관").check();
  await there.waitFor();
  await other.look("archive-phone-ko");
  await there.click();
  await other.page.getByRole("button", { name: "대화 메뉴" }).click();
  await other.page.getByRole("menuitem", { name: "보관 해제" }).click();
  await row.waitFor();
  await other.close();
  await window.close();
});

test("the other side's next message takes a conversation out of the archive, and the archive says when it is empty", async () => {
  const room = "room-amara-guitar";
  const window = await (await Window.open(browser, server.url)).signIn("Amara");
  const { page } = window;
  await choose(window, room, "Archive");
  await page.locator(`[data-room="${room}"]`).waitFor({ state: "detached" });
  await filter(window, "Archived").check();
  await page.locator(`[data-room="${room}"]`).waitFor();
  await server.api("POST", `/rooms/${room}/messages`, { text: "Still there?" }, { as: "priya" });
  await page.locator(`[data-room="${room}"]`).waitFor({ state: "detached" });
  await page.getByText("Nothing here").waitFor();
  await window.look("archive-empty-desk");
  await filter(window, "All").check();
  await page.locator(`[data-room="${room}"]`, { hasText: "Still there?" }).waitFor();
  await window.close();
});
