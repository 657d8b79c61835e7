import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* How the page makes do with the room that it has. */

const TABLET = { width: 820, height: 1180 };
const PHONE_ON_ITS_SIDE = { width: 844, height: 390 };

stage();

const height = (locator) => locator.evaluate((element) => element.getBoundingClientRect().height);

test("a tablet shows one pane, and its conversations and its market have their tabs", async () => {
  const window = await (await Window.open(browser, server.url, { viewport: TABLET })).signIn("Jonas");
  const { page } = window;
  const [market, inbox, conversation] = [".market", ".inbox", ".conversation"].map((pane) => page.locator(pane));
  await page.locator(".product").first().waitFor();
  assert.equal(await inbox.isVisible(), false);
  await page.locator(".tab-chats").click();
  await inbox.waitFor();
  assert.equal(await market.isVisible(), false);
  await window.look("chats-tablet");
  await window.openChat("Priya");
  assert.deepEqual([await conversation.isVisible(), await inbox.isVisible()], [true, false]);
  await window.look("conversation-tablet");

  await page.setViewportSize(DESK);
  await inbox.waitFor();
  assert.equal(await conversation.isVisible(), true, "a desk shows both");
  await window.close();
});

test("on a phone that lies on its side, most of the height is for what is read", async () => {
  const window = await (await Window.open(browser, server.url, { viewport: PHONE_ON_ITS_SIDE })).signIn("Jonas");
  const { page } = window;
  await page.locator(".tab-chats").click();
  await page.locator(".inbox-row").first().waitFor();
  assert.ok((await height(page.locator(".inbox-list"))) > 260, "the inbox");
  await window.look("chats-phone-on-its-side");
  await window.openChat("Priya");
  assert.ok((await height(page.locator(".history"))) > 230, "the history");
  assert.ok((await height(page.locator(".conversation-head"))) < 60, "the header");
  await window.look("conversation-phone-on-its-side");
  await window.close();
});

for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
  test(`text grows with the browser's own size, on a ${device}, and everything has room`, async () => {
    const sizes = [];
    for (const size of [16, 24]) {
      const window = await Window.open(browser, server.url, { viewport, fontSize: size });
      const { page } = window;
      const seen = {};
      const measure = async (...selectors) => {
        for (const selector of selectors) seen[selector] = await page.locator(selector).first().evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
        assert.deepEqual(await cutOff(page), [], `at ${size} px`);
      };
      await page.locator(".person").first().waitFor();
      await measure("h1", ".lead", ".person-name", ".person-note");
      await window.signIn("김민아");
      // With the conversations come the ways to them.
      await page.locator(".product-text a.button").first().waitFor();
      await measure(".product-title", ".product-price", ".product-text .button");
      await page.goto(`${server.url}/#/chats`);
      if (await page.locator(".back").isVisible()) await page.locator(".back").click();
      await page.locator(".inbox-row").first().waitFor();
      await measure(".inbox-name", ".inbox-time", ".inbox-last", ".filter", ".search input", ".pane-head h2");
      await window.openChat("Sofía");
      await measure(".bubble", ".meta", ".day", ".composer textarea", "#conversation-title", ".conversation-state", ".product-strip-title");
      if (await page.locator(".back").isVisible()) await page.locator(".back").click();
      await page.locator(".account-button").click();
      await page.getByRole("switch").first().waitFor();
      await measure("dialog h2", ".switch", ".settings h2");
      await window.look(`account-${device}-${size}`);
      sizes.push(seen);
      await window.close();
    }
    for (const [selector, size] of Object.entries(sizes[1])) assert.ok(size / sizes[0][selector] > 1.49, `${selector}: ${size} px`);
  });
}

test("in forced colours one sees what is chosen and what has the focus", async () => {
  const window = await (await Window.open(browser, server.url, { forcedColors: "active" })).signIn("Jonas");
  const { page } = window;
  await window.openChat("Priya");
  const outline = (selector) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).outlineStyle);
  assert.equal(await outline(".inbox-row[aria-current=page]"), "solid");
  assert.equal(await outline(".inbox-row:not([aria-current])"), "none");
  assert.equal(await outline(".filter:has(:checked)"), "solid");
  assert.equal(await outline(".filter:has(input:not(:checked))"), "none");
  await page.getByRole("searchbox").focus();
  assert.equal(await outline(".search"), "solid");
  await page.locator(".inbox-row").last().focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  await window.until(() => focused().matches(".inbox-row:focus-visible") && getComputedStyle(focused()).outlineStyle === "solid");
  await page.locator(".account-button").click();
  await page.getByRole("switch").first().waitFor();
  assert.equal(await outline("dialog .person[aria-pressed=true]"), "solid");
  const colours = await page.getByRole("switch").evaluateAll((switches) => switches.map((element) => [element.checked, getComputedStyle(element).backgroundColor]));
  assert.equal(new Set(colours.filter(([checked]) => checked).map(([, colour]) => colour)).size, 1);
  assert.notEqual(colours.find(([checked]) => checked)[1], colours.find(([checked]) => !checked)[1], "on and off differ");
  await window.screenshot("account-forced-colours");
  await window.close();
});

/** Words that are taller than what they stand in, and what is wider than the window. */
function cutOff(page) {
  return page.evaluate(() =>
    all("button, .badge, .filter, .status, .inbox-row, h1, h2, .switch")
      .filter((element) => element.checkVisibility() && !element.closest("[hidden]"))
      .filter((element) => {
        const { right, height } = element.getBoundingClientRect();
        return height > 0 && (element.scrollHeight > element.clientHeight + 1 || right > innerWidth + 1) && getComputedStyle(element).display !== "inline";
      })
      .map((element) => `${element.localName}.${element.className}: ${element.textContent.slice(0, 40)}`),
  );
}
