import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, server, stage } from "./support/stage.js";
import { languages } from "./support/strings.js";
import { DESK, PHONE, Window } from "./support/browser.js";

stage();

for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
  for (const [colorScheme, locale] of [
    ["light", "en-US"],
    ["dark", "ko-KR"],
  ]) {
    test(`each view on a ${device}, ${colorScheme}, ${locale}, is accessible`, async () => {
      const window = await Window.open(browser, server.url, { viewport, colorScheme, locale });
      const look = (view) => window.look(`${view}-${device}-${colorScheme}`);
      await window.page.locator(".person").first().waitFor();
      assert.equal(await window.page.locator("html").getAttribute("lang"), locale.slice(0, 2));
      await look("sign-in");
      await window.signIn("김민아");
      await window.page.locator(".product").first().waitFor();
      await look("market");
      if (device === "phone") await window.page.locator(".tab-chats").click();
      await window.page.locator(".inbox-row").first().waitFor();
      await look("chats");
      await window.openChat("박준호");
      await look("conversation");
      if (device === "phone") await window.page.locator(".back").click();
      await window.page.locator(".account-button").click();
      await window.page.locator("dialog .person").first().waitFor();
      await look("account");
      await window.close();
    });
  }
}

test("a phone shows one pane at a time, a desk two", async () => {
  for (const width of [390, 360]) {
    const phone = await Window.open(browser, server.url, { viewport: { width, height: 740 } });
    const [market, inbox, conversation] = [".market", ".inbox", ".conversation"].map((pane) => phone.page.locator(pane));
    await phone.signIn("Jonas");
    await phone.page.locator(".product").first().waitFor();
    assert.deepEqual([await market.isVisible(), await inbox.isVisible()], [true, false]);
    await phone.page.locator(".tab-chats").click();
    await inbox.waitFor();
    assert.equal(await market.isVisible(), false);
    await phone.openChat("Priya");
    assert.deepEqual([await conversation.isVisible(), await inbox.isVisible()], [true, false]);
    await phone.composer.fill("a long line without any end ".repeat(8) + "w".repeat(80));
    await assertFits(phone);
    await phone.page.goBack();
    await inbox.waitFor();
    await phone.close();
  }
  const desk = await (await Window.open(browser, server.url)).signIn("Jonas");
  await desk.openChat("Priya");
  assert.equal(await desk.page.locator(".inbox").isVisible(), true);
  await desk.close();
});

test("the keyboard alone is enough", async () => {
  const { page, ...window } = await Window.open(browser, server.url);
  await page.locator(".person").first().waitFor();
  await tabTo(page, ".person", "Amara");
  await page.keyboard.press("Enter");
  await page.locator(".inbox-row").first().waitFor();
  await tabTo(page, ".inbox-row", "Parlour guitar");
  await page.keyboard.press("Enter");
  await page.locator(".history[aria-busy=false]").waitFor();
  await page.waitForFunction(() => focused()?.matches(".composer textarea"));
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await page.locator('.line[data-state="sent"]', { hasText: "first line" }).waitFor();
  assert.equal(await page.locator(".bubble").last().textContent(), "first line\nsecond line");

  await tabTo(page, ".account-button", "Amara", "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.locator("dialog .person").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.waitForFunction(() => focused()?.matches(".account-button"));
  assert.deepEqual(window.faults, []);
  await page.context().close();
});

test("the language can be switched, and so can the user", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Jonas");
  const { page } = window;
  await page.locator(".account-button").click();
  await page.getByRole("button", { name: "한국어" }).click();
  await page.getByRole("heading", { name: "계정 및 설정" }).waitFor();
  await page.locator("dialog .person", { hasText: "Priya" }).click();
  await page.locator(".account-name", { hasText: "Priya" }).waitFor();
  await page.locator(".inbox-row", { hasText: "Jonas" }).waitFor();
  await page.reload();
  await page.locator(".account-name", { hasText: "Priya" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "ko");
  await window.close();
});

for (const [wire, viewport, locale] of [["socketIo", PHONE, "ko-KR"], ["plain", DESK, "en-US"]]) {
  test(`over ${wire}, a room that is none of one's business and an ended session are said in words`, async () => {
    const window = await (await Window.open(browser, server.url, { wire, viewport, locale })).signIn("Amara");
    const { page } = window;
    const t = languages[locale.slice(0, 2)];
    await page.goto(`${server.url}/#/rooms/room-jonas-bike`);
    await page.getByRole("alert").getByText(t.roomRefused).waitFor();
    await window.look(`refused-${wire}`);
    await page.getByRole("link", { name: t.back }).first().click();
    await page.locator(".inbox-row").first().waitFor();

    await server.api("POST", "/users/amara/disconnect");
    await page.getByRole("heading", { name: t.sessionEnded }).waitFor();
    await window.look(`ended-${wire}`);
    await page.getByRole("button", { name: t.signInAgain }).click();
    await window.signIn("Amara");
    await page.locator(".product").first().waitFor();
    await window.close();
  });
}

test("Korean speaks in one register, and is broken between words", async () => {
  const said = (words) => Object.values(words).flatMap((value) => (typeof value === "object" ? said(value) : typeof value === "function" ? [String(value)] : [value]));
  const formal = said(languages.ko).filter((sentence) => /(니다|니까|십시오|시오)(?![가-힣])/.test(sentence));
  assert.deepEqual(formal, []);
  for (const [locale, wordBreak] of [["ko-KR", "keep-all"], ["en-US", "normal"]]) {
    const window = await (await Window.open(browser, server.url, { locale })).signIn("Jonas");
    await window.page.locator(".product").first().waitFor();
    for (const selector of [".market-head p", ".inbox-row", ".pane-head h2"]) {
      const style = await window.page.locator(selector).first().evaluate((element) => [getComputedStyle(element).wordBreak, getComputedStyle(element).overflowWrap]);
      assert.deepEqual(style, [wordBreak, "anywhere"], selector);
    }
    await window.close();
  }
});

test("the page asks for no font that a system may lack, and one's own words are in a colour of their own", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Jonas");
  await window.openChat("Priya");
  const [fonts, own] = await window.page.evaluate(() => [
    getComputedStyle(all(".frame")[0]).fontFamily,
    getComputedStyle(all(".group[data-own] .bubble")[0]).backgroundColor,
  ]);
  assert.match(fonts, /^system-ui,/);
  assert.doesNotMatch(fonts, /Inter|Pretendard/);
  await window.composer.fill("A word");
  const send = await window.page.locator(".send").evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.notEqual(own, send);
  await window.close();
});

test("what nobody caught is shown in a bar", async () => {
  const { page } = await Window.open(browser, server.url);
  await page.evaluate(() => void setTimeout(() => Promise.reject(new Error("<b>nobody caught me</b>"))));
  await page.getByRole("alert").getByText("Error: <b>nobody caught me</b>").waitFor();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await page.locator(".error-bar").waitFor({ state: "detached" });
  await page.context().close();
});

/** Nothing is wider than the window: no sideways scrolling. */
async function assertFits({ page }) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${content} px of content in ${window} px`);
}

/** Presses Tab until the focus is on the element of that kind with that text. */
async function tabTo(page, selector, text, key = "Tab") {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press(key);
    const here = await page.evaluate(([selector, text]) => {
      const here = focused();
      return here?.matches(selector) && here.textContent?.includes(text);
    }, [selector, text]);
    if (here) return;
  }
  assert.fail(`no way to ${selector} "${text}" by ${key}`);
}
