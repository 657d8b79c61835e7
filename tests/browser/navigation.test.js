import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* Where one is on the page, by its address, and where the focus is. */

stage();

const title = (window) => window.page.locator("#conversation-title");
const hash = ({ page }) => new URL(page.url()).hash;

test("on a desk, the conversations begin with the newest one, and back leads past it", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Jonas");
  const { page } = window;
  await page.locator(".product").first().waitFor();
  await page.evaluate(() => (location.hash = "#/chats"));
  await title(window).waitFor();
  const newest = page.locator(".inbox-row").first();
  assert.equal(await newest.getAttribute("aria-current"), "page");
  assert.equal(await title(window).textContent(), await newest.locator(".inbox-name").textContent());
  await page.goBack();
  await page.locator(".product").first().waitFor();
  assert.equal(hash(window), "#/market");
  await window.close();
});

test("a seller on a desk starts with the newest conversation, and with the inbox on a phone", async () => {
  const desk = await (await Window.open(browser, server.url)).signIn("Priya");
  await title(desk).waitFor();
  const phone = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Priya");
  await phone.page.locator(".inbox-row").first().waitFor();
  assert.equal(await title(phone).count(), 0);
  // Turned on its side or unfolded, it may have room for both.
  await phone.page.setViewportSize({ width: 1100, height: 844 });
  await title(phone).waitFor();
  await Promise.all([desk.close(), phone.close()]);
});

test("the way back on a phone leads to where one came from, and to the inbox from a link of elsewhere", async () => {
  const window = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Jonas");
  const { page } = window;
  await page.getByRole("link", { name: "Open the chat: Steel touring bike" }).click();
  await title(window).waitFor();
  await page.locator(".back").click();
  await page.locator(".market").waitFor();
  assert.equal(hash(window), "#/market");

  await page.locator(".tab-chats").click();
  await window.openChat("Sofía");
  await page.locator(".back").click();
  await window.until(() => focused()?.matches(".inbox-row") && focused().textContent.includes("Sofía"));
  assert.equal(hash(window), "#/chats");

  await page.goto("about:blank");
  await page.goto(`${server.url}/#/rooms/room-jonas-bike`);
  await title(window).waitFor();
  await page.locator(".back").click();
  await page.locator(".inbox-row").first().waitFor();
  assert.equal(hash(window), "#/chats");
  await window.close();
});

test("an address that led to the sign-in is where one arrives", async () => {
  const window = await Window.open(browser, `${server.url}/#/chats/room-jonas-bike/3`, { viewport: PHONE });
  await window.signIn("Jonas");
  await window.page.locator('.line.sought[data-seq="3"]').waitFor();
  assert.equal(await title(window).textContent(), "Priya Nair");
  await window.close();
});

test("an address that says nothing does no harm", async () => {
  for (const [address, selector] of [
    ["#/chats/%E0%A4%A", ".inbox-row"],
    ["#/rooms/%", ".product"],
    ["#/x/y/z", ".product"],
    ["#%", ".product"],
    ["#/chats/room-jonas-bike/-1e9", ".history"],
  ]) {
    const window = await Window.open(browser, `${server.url}/${address}`, { viewport: PHONE });
    await window.signIn("Jonas");
    await window.page.locator(selector).first().waitFor();
    await window.close();
  }
});

test("the focus never falls to the page's beginning", async () => {
  const window = await Window.open(browser, server.url);
  const { page } = window;
  const holds = (selector) => window.until((selector) => focused()?.matches(selector), selector);
  const person = page.locator(".person", { hasText: "Priya" });
  await person.focus();
  await page.keyboard.press("Enter");
  await holds("textarea");

  // A row that others overtake keeps it.
  const last = page.locator(".inbox-row").last();
  const room = await last.getAttribute("data-room");
  await last.focus();
  await server.api("POST", `/rooms/${room}/messages`, { text: "Up", clientId: "up" }, { as: room === "room-jonas-bike" ? "jonas" : "amara" });
  await page.locator(`.inbox-list li:first-child [data-room="${room}"]`).waitFor();
  await holds(`[data-room="${room}"]`);

  // A field that is gone, since the conversation is closed, hands it on.
  await window.openChat("Amara");
  await holds("textarea");
  await server.api("PUT", "/blocks/priya", undefined, { as: "amara" });
  await page.locator(".composer").waitFor({ state: "detached" });
  await window.until(() => focused() !== document.body);
  await server.api("DELETE", "/blocks/priya", undefined, { as: "amara" });
  await holds("textarea");

  await page.locator(".account-button").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("switch").first().waitFor();
  await page.keyboard.press("Escape");
  await holds(".account-button");

  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign out" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".sign-in").waitFor();
  await holds(".sign-in");

  // Who has clicked somewhere else has taken it away, and keeps it so.
  await page.getByRole("heading", { name: "Who would you like to be?" }).click();
  await person.click();
  await page.locator(".app").waitFor();
  // A conversation is entered, so there is a connection to end.
  await page.locator(".history[aria-busy=false]").waitFor();
  await server.api("POST", "/users/priya/disconnect");
  await page.getByRole("heading", { name: "This session has ended" }).waitFor();
  await holds("main");
  await window.close();
});

test("on a phone, the focus goes along into a conversation and out of it", async () => {
  const window = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Jonas");
  const { page } = window;
  await page.getByRole("link", { name: "Open the chat: Steel touring bike" }).focus();
  await page.keyboard.press("Enter");
  await window.until(() => focused()?.id === "conversation-title");
  await page.locator(".back").focus();
  await page.keyboard.press("Enter");
  await page.locator(".market").waitFor();
  await window.until(() => focused()?.matches(".content"));
  await window.close();
});
