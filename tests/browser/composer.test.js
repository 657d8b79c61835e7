import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* Where one writes. */

stage();

const open = async (name, options) => (await Window.open(browser, server.url, options)).signIn(name);

test("the composer has a ring for who comes by the keyboard, and none for a pointer", async () => {
  const window = await open("Jonas");
  const { page } = window;
  const ring = () => page.locator(".composer-box").evaluate((box) => getComputedStyle(box).outlineStyle);
  await window.openChat("Steel touring bike");
  await window.until(() => focused()?.matches(".composer textarea"));
  assert.equal(await ring(), "none", "opened by a click");
  await page.locator(".history").click();
  await window.composer.click();
  assert.equal(await ring(), "none");
  await window.composer.pressSequentially("typing changes nothing");
  assert.equal(await ring(), "none");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  assert.equal(await ring(), "solid");
  assert.equal(await page.getByText("Enter sends").count(), 0);

  await page.locator(".inbox-row", { hasText: "Walnut lounge chair" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".product-strip-title", { hasText: "Walnut lounge chair" }).waitFor();
  await window.until(() => focused()?.matches(".composer textarea"));
  assert.equal(await ring(), "solid", "opened by Enter");
  await window.close();
});

test("somebody who writes in a field of the page keeps the focus while the conversation changes", async () => {
  const window = await open("Jonas");
  const { page } = window;
  await window.openChat("Steel touring bike");
  await page.evaluate(() => {
    document.body.append(Object.assign(document.createElement("input"), { id: "own", ariaLabel: "Own" }));
    document.getElementById("own").focus();
    location.href = all(".inbox-row:not([aria-current])")[0].href;
  });
  await page.locator(".product-strip-title", { hasNotText: "Steel touring bike" }).waitFor();
  await page.locator(".history[aria-busy=false]").waitFor();
  assert.equal(await page.evaluate(() => focused().id), "own");
  await window.close();
});

test("near the limit the composer counts down, and what is too long stays there until it is shorter", async () => {
  const window = await open("Jonas", { viewport: PHONE, locale: "ko-KR" });
  const { page } = window;
  await page.locator(".tab-chats").click();
  await window.openChat("Walnut lounge chair");
  const limit = page.locator(".composer-limit");
  const sendButton = page.getByRole("button", { name: "보내기" });
  await window.composer.fill("x".repeat(15_000));
  assert.equal(await limit.textContent(), "");
  await window.composer.fill("x".repeat(16_380));
  await limit.getByText("4자 남았어요").waitFor();
  // A Korean syllable weighs three bytes.
  await window.composer.fill("가".repeat(5_461));
  await limit.getByText("0자 남았어요").waitFor();
  assert.equal(await sendButton.isEnabled(), true);
  const tooLong = "가".repeat(5_463);
  await window.composer.fill(tooLong);
  await limit.getByText("2자 초과했어요").waitFor();
  assert.equal(await sendButton.isEnabled(), false);
  assert.equal(await window.composer.getAttribute("aria-invalid"), "true");
  await page.getByRole("status").getByText("메시지가 너무 길어요.").waitFor({ state: "attached" });
  await window.look("too-long-phone-ko");
  await window.composer.evaluate((field) => field.form.requestSubmit());
  assert.equal(await window.composer.inputValue(), tooLong);
  await window.composer.fill("가".repeat(5_461));
  await sendButton.click();
  await window.message("가".repeat(5_461), "sent").waitFor();
  assert.equal(await page.locator('.line[data-state="failed"]').count(), 0);
  await window.close();
});

test("a buyer's first question is a tap away, and nobody else's", async () => {
  const buyer = await open("Amara");
  await buyer.chatWithSeller("Brass desk lamp");
  await buyer.look("first-question-desk");
  await buyer.page.getByRole("button", { name: "Is this still available?" }).click();
  await buyer.message("Is this still available?", "sent").waitFor();
  assert.equal(await buyer.page.locator(".composer .chip").count(), 0);
  await buyer.close();

  await server.api("PUT", "/products/quiet", { sellerId: "sofia", title: "A quiet thing", price: 100, currency: "USD" });
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "quiet", buyerId: "jonas" });
  const seller = await open("Sofía");
  await seller.page.goto(`${server.url}/#/chats/${roomId}`);
  await seller.page.locator(".product-strip", { hasText: "A quiet thing" }).waitFor();
  await seller.composer.waitFor();
  assert.equal(await seller.page.locator(".composer .chip").count(), 0);
  await seller.close();
});

test("sentences are saved, put into the composer, and removed, each person's own", async () => {
  const window = await open("Sofía", { colorScheme: "dark" });
  const { page } = window;
  await window.openChat("김민아");
  const phrases = page.getByRole("button", { name: "Saved phrases" });
  const item = (name) => page.getByRole("menuitem", { name, exact: true });
  await window.composer.fill("It is still available.");
  await phrases.click();
  await item("Save what I have written").click();
  await window.composer.fill("Hello!");
  await phrases.click();
  await item("It is still available.").click();
  assert.equal(await window.composer.inputValue(), "Hello! It is still available.");
  await window.until(() => focused()?.matches(".composer textarea"));
  await window.composer.fill("");

  await phrases.click();
  await item("Edit the phrases").click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByLabel("New phrase").fill("I can meet on Saturday.");
  await page.keyboard.press("Enter");
  await dialog.getByText("I can meet on Saturday.").waitFor();
  await window.look("phrases-desk-dark");
  await dialog.getByRole("button", { name: "Remove: It is still available." }).click();
  await page.keyboard.press("Escape");

  await page.reload();
  await page.locator(".history[aria-busy=false]").waitFor();
  await phrases.click();
  assert.deepEqual(await page.getByRole("menuitem").allTextContents(), ["I can meet on Saturday.", "Edit the phrases"]);
  await page.keyboard.press("Escape");

  // Somebody else in the same browser.
  await page.locator(".account-button").click();
  await page.locator("dialog .person", { hasText: "Priya" }).click();
  await page.locator(".account-name", { hasText: "Priya" }).waitFor();
  await window.openChat("Parlour guitar");
  await phrases.click();
  assert.deepEqual(await page.getByRole("menuitem").allTextContents(), ["Edit the phrases"]);
  await page.keyboard.press("Escape");
  await window.close();
});
