import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* From "chat with the seller" to a sold product, and what protects people on the way. */

stage();

const dialog = (window) => window.page.locator("dialog[open]");
const offer = (window, status) => window.page.locator(`.offer[data-status="${status}"]`);

test("from 'chat with the seller' over a counter-offer to an accepted offer and a sold product", async () => {
  const mina = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("김민아");
  const jonas = await (await Window.open(browser, server.url, { colorScheme: "dark" })).signIn("Jonas");
  const seller = await (await Window.open(browser, server.url)).signIn("박준호");

  // Two buyers want the same turntable.
  await mina.chatWithSeller("Belt-drive turntable");
  await mina.send("안녕하세요, 아직 있나요?");
  await jonas.chatWithSeller("Belt-drive turntable");
  await jonas.page.getByRole("button", { name: "Offer", exact: true }).click();
  assert.equal(await dialog(jonas).locator("input").inputValue(), "185,000", "prefilled with the price, which has no decimals");
  // What one types replaces it.
  await jonas.page.keyboard.type("1");
  assert.equal(await dialog(jonas).locator("input").inputValue(), "1");
  await dialog(jonas).locator("input").fill("185,000");
  await jonas.look("offer-dialog-desk-dark");
  await dialog(jonas).locator("input").fill("nothing");
  await dialog(jonas).getByRole("button", { name: "Send the offer" }).click();
  await dialog(jonas).getByText("Please enter a whole amount").waitFor();
  await dialog(jonas).locator("input").fill("150,000");
  await dialog(jonas).getByText("19% under the asking price").waitFor();
  await dialog(jonas).getByRole("button", { name: "Send the offer" }).click();
  await offer(jonas, "pending").getByText("₩150,000").waitFor();
  await offer(jonas, "pending").getByText("48 h left").waitFor();

  await mina.page.getByRole("button", { name: "Offer", exact: true }).click();
  await mina.look("offer-dialog-phone");
  await dialog(mina).getByRole("button", { name: "₩166,000" }).click();
  await dialog(mina).getByRole("button", { name: "Send the offer" }).click();
  await offer(mina, "pending").getByText("₩166,000").waitFor();

  // The seller counters the one.
  const row = (name) => seller.page.locator(".inbox-row", { hasText: name }).filter({ hasText: "turntable" });
  await row("Jonas").getByText("Offer: ₩150,000").waitFor();
  await row("Jonas").click();
  await offer(seller, "pending").waitFor();
  await seller.look("offer-received-desk");
  await offer(seller, "pending").getByRole("button", { name: "Counter" }).click();
  await dialog(seller).locator("input").fill("175000");
  await dialog(seller).getByRole("button", { name: "Send the offer" }).click();
  await offer(seller, "countered").getByText("₩150,000").waitFor();
  await offer(jonas, "countered").getByText("₩150,000").waitFor();
  await offer(jonas, "pending").getByRole("button", { name: "Accept" }).waitFor();
  await jonas.look("offer-countered-desk-dark");

  // And accepts the other: the first acceptance wins for the whole product.
  await row("김민아").click();
  await seller.page.locator("#conversation-title", { hasText: "김민아" }).waitFor();
  await offer(seller, "pending").getByRole("button", { name: "Accept" }).click();
  await seller.look("offer-accept-desk");
  await dialog(seller).getByRole("button", { name: "Accept" }).click();
  await offer(seller, "accepted").waitFor();
  await seller.page.getByText("Reserved for 김민아.").waitFor();
  await offer(mina, "accepted").waitFor();
  await mina.page.locator(".product-strip .status-reserved").waitFor();
  await mina.page.locator(".system", { hasText: "This is now reserved" }).waitFor();
  await mina.page.getByText("It’s reserved for you").waitFor();
  await mina.look("offer-accepted-phone");
  // The loser is notified, and has nothing to press any more.
  await offer(jonas, "declined").getByText("₩175,000").waitFor();
  await jonas.page.getByText("This is reserved for somebody").waitFor();
  assert.equal(await jonas.page.locator(".offer-actions").count(), 0);
  await jonas.look("offer-lost-desk-dark");

  // Sold, by the seller's own hand, with the keyboard.
  const status = seller.page.locator(".status-button");
  await status.focus();
  await seller.page.keyboard.press("Enter");
  await seller.until(() => focused()?.getAttribute("aria-checked") === "true");
  await seller.look("status-menu-desk");
  await seller.page.keyboard.press("ArrowDown");
  await seller.page.keyboard.press("Enter");
  await seller.page.locator(".product-strip .status-sold").waitFor();
  await seller.until(() => focused()?.matches(".status-button"));
  for (const [window, text] of [
    [mina, "You bought this for ₩166,000."],
    [jonas, "This is sold. You can still write."],
    [seller, "You sold this to 김민아 for ₩166,000."],
  ]) {
    await window.page.locator(".system", { hasText: "This is now sold" }).waitFor();
    await window.page.getByText(text).waitFor();
    assert.equal(await window.page.getByRole("button", { name: "Offer", exact: true }).count(), 0);
  }
  await seller.look("sold-desk");
  await Promise.all([mina.close(), jonas.close(), seller.close()]);
});

test("an offer that is far back in the history stands over it and in the list, and is answered there", async () => {
  await server.api("PUT", "/products/tent", { sellerId: "sofia", title: "Tent for two", price: 20000, currency: "USD" });
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "tent" }, { as: "amara" });
  await server.api("POST", `/rooms/${roomId}/offers`, { amount: 15000, currency: "USD" }, { as: "amara" });
  for (let count = 1; count <= 160; count += 1) await server.api("POST", `/rooms/${roomId}/messages`, { text: `word ${count}` }, { as: "amara" });
  await server.api("PUT", `/rooms/${roomId}/read`, { seq: 161 }, { as: "sofia" });
  const seller = await (await Window.open(browser, server.url)).signIn("Sofía");
  const buyer = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Amara");
  await buyer.page.locator(".tab-chats").click();
  const row = (window) => window.page.locator(".inbox-row", { hasText: "Tent for two" });
  for (const window of [seller, buyer]) await row(window).getByText("Offer: $150.00").waitFor();

  await seller.openChat("Tent for two");
  await buyer.openChat("Tent for two");
  await buyer.page.locator(".standing-offer").getByText("Your offer: $150.00").waitFor();
  await buyer.look("standing-offer-phone");
  const strip = seller.page.locator(".standing-offer");
  await strip.getByText("Offer from Amara Okafor: $150.00").waitFor();
  assert.equal(await offer(seller, "pending").count(), 0, "its card is not there yet");
  await seller.assertAccessible("the offer that stands");
  await seller.look("standing-offer-desk");
  await strip.getByRole("button", { name: "Accept" }).click();
  await dialog(seller).getByRole("button", { name: "Accept" }).click();
  await strip.getByText("Reserved for Amara Okafor.").waitFor();
  await seller.until(() => focused() && focused() !== document.body);
  await buyer.page.locator(".standing-offer").getByText("It’s reserved for you").waitFor();
  await buyer.page.getByRole("link", { name: "Back" }).click();
  await row(buyer).getByText("Reserved for you").waitFor();
  await server.api("PATCH", "/products/tent", { status: "sold" });
  await row(buyer).getByText("Bought").waitFor();
  await strip.getByText("You sold this to Amara Okafor for $150.00.").waitFor();
  await Promise.all([seller.close(), buyer.close()]);
});

test("an offer is withdrawn, replaced and declined, and a second answer is told in words", async () => {
  const buyer = await (await Window.open(browser, server.url, { locale: "ko-KR", viewport: PHONE, colorScheme: "dark" })).signIn("Amara");
  const seller = await (await Window.open(browser, server.url)).signIn("Priya");
  await buyer.page.locator(".tab-chats").click();
  await buyer.openChat("Parlour guitar");
  await seller.openChat("Parlour guitar");
  const name = async (amount) => {
    await buyer.page.getByRole("button", { name: "가격 제안", exact: true }).click();
    await dialog(buyer).locator("input").fill(amount);
    await dialog(buyer).getByRole("button", { name: "제안 보내기" }).click();
    await dialog(buyer).waitFor({ state: "detached" });
  };
  await name("380.50");
  await offer(seller, "pending").getByText("$380.50").waitFor();
  await name("３９０");
  await offer(seller, "superseded").getByText("$380.50").waitFor();
  await offer(seller, "pending").getByText("$390.00").waitFor();
  await buyer.look("offer-pending-phone-dark-ko");

  // The buyer withdraws while the seller already confirms.
  await offer(seller, "pending").getByRole("button", { name: "Accept" }).click();
  await offer(buyer, "pending").getByRole("button", { name: "제안 취소" }).click();
  await offer(buyer, "withdrawn").waitFor();
  await offer(seller, "withdrawn").waitFor({ state: "attached" });
  await dialog(seller).getByRole("button", { name: "Accept" }).click();
  await dialog(seller).getByRole("alert").getByText("This offer changed in the meantime").waitFor();
  await seller.until(() => focused()?.textContent === "Close");
  await seller.look("offer-conflict-desk");
  await seller.page.keyboard.press("Escape");

  await name("400");
  await offer(seller, "pending").getByRole("button", { name: "Decline" }).click();
  await offer(buyer, "declined").getByText("US$400.00").or(offer(buyer, "declined").getByText("$400.00")).first().waitFor();
  await Promise.all([buyer.close(), seller.close()]);
});

test("an offer is whole in a window of any width, and one that came to nothing takes a line", async () => {
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "monstera" }, { as: "jonas" });
  const make = (amount) => server.api("POST", `/rooms/${roomId}/offers`, { amount, currency: "USD" }, { as: "jonas" });
  for (const amount of [1500, 1600]) {
    const { id } = await make(amount);
    await server.api("POST", `/rooms/${roomId}/offers/${id}/answer`, { answer: amount === 1500 ? "withdraw" : "decline" }, { as: amount === 1500 ? "jonas" : "sofia" });
  }
  await make(1700);
  for (const locale of ["en-US", "ko-KR"]) {
    const window = await (await Window.open(browser, server.url, { locale })).signIn("Jonas");
    const { page } = window;
    await window.openChat("Monstera");
    for (const width of [320, 390, 720, 800, 812, 820, 850, 900]) {
      await page.setViewportSize({ width, height: 900 });
      const cards = await page.locator(".offer").evaluateAll((offers) =>
        offers.map((card) => {
          const [inside, frame] = [card.getBoundingClientRect(), card.closest(".history").getBoundingClientRect()];
          return { whole: inside.left >= frame.left && inside.right <= frame.right && card.scrollWidth <= card.clientWidth, line: inside.height < 44 };
        }),
      );
      const [closed, waiting] = [{ whole: true, line: true }, { whole: true, line: false }];
      assert.deepEqual(cards, [closed, closed, waiting], `${locale}, ${width} px`);
    }
    await page.setViewportSize({ width: 820, height: 900 });
    await window.look(`offers-820-${locale}`);
    await window.close();
  }
});

test("one's own message is edited and deleted, by the keyboard alone, and the other sees it at once", async () => {
  const buyer = await (await Window.open(browser, server.url)).signIn("Jonas");
  const seller = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Priya");
  const { page } = buyer;
  await buyer.openChat("Steel touring bike");
  await seller.page.locator(".tab-chats").click();
  await seller.openChat("Steel touring bike");
  await buyer.send("I come at eleven");
  await seller.message("I come at eleven").waitFor();

  await page.locator(".composer textarea").focus();
  // Back over the composer's own buttons, of which there are more where the server takes pictures.
  for (let stops = 0; stops < 6; stops += 1) {
    await page.keyboard.press("Shift+Tab");
    if (await page.evaluate(() => focused()?.matches(".line-menu"))) break;
  }
  await buyer.until(() => focused()?.matches(".line-menu"));
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Edit" }).waitFor();
  await buyer.look("message-menu-desk");
  // From "Reply" over "Copy the text".
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await buyer.until(() => focused()?.matches(".composer textarea") && focused().value === "I come at eleven");
  await buyer.look("editing-desk");
  await page.keyboard.press("End");
  await page.keyboard.type(" thirty");
  await page.keyboard.press("Enter");
  for (const window of [buyer, seller]) {
    await window.message("I come at eleven thirty").getByText("edited").waitFor();
  }
  assert.equal(await buyer.composer.inputValue(), "");

  // A long touch opens the same menu; it offers nothing of the owner's.
  const box = await seller.page.getByText("I come at eleven thirty", { exact: true }).last().boundingBox();
  const touch = await seller.page.context().newCDPSession(seller.page);
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: box.x + 20, y: box.y + 10 }] });
  await seller.page.getByRole("menuitem", { name: "Report this message" }).waitFor();
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  assert.equal(await seller.page.getByRole("menuitem", { name: "Delete" }).count(), 0);
  await seller.look("message-menu-phone");
  await seller.page.keyboard.press("Escape");

  await page.locator(".line", { hasText: "I come at eleven thirty" }).last().locator(".line-menu").click({ force: true });
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await dialog(buyer).getByRole("button", { name: "Delete" }).click();
  for (const window of [buyer, seller]) await window.page.locator(".bubble-deleted").waitFor();
  await page.locator(".inbox-row[aria-current]").getByText("This message was deleted").waitFor();
  await buyer.look("deleted-desk");
  await Promise.all([buyer.close(), seller.close()]);
});

test("a block closes the conversation for both without a word about who, and can be taken back", async () => {
  const buyer = await (await Window.open(browser, server.url)).signIn("김민아");
  const seller = await (await Window.open(browser, server.url, { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" })).signIn("Sofía");
  await buyer.openChat("Brass desk lamp");
  await seller.openChat("Brass desk lamp");
  await buyer.page.locator(".conversation-state[data-online]").waitFor();

  await buyer.page.getByRole("button", { name: "Conversation options", exact: true }).click();
  await buyer.look("conversation-menu-desk");
  await buyer.page.getByRole("menuitem", { name: "Block Sofía" }).click();
  await buyer.look("block-dialog-desk");
  await dialog(buyer).getByRole("button", { name: "Cancel" }).click();
  await buyer.until(() => focused()?.matches(".conversation-menu"));
  await buyer.page.keyboard.press("Enter");
  await buyer.page.getByRole("menuitem", { name: "Block Sofía" }).click();
  await dialog(buyer).getByRole("button", { name: "Block" }).click();

  await buyer.page.getByText("This conversation is closed.").waitFor();
  await seller.page.getByText("종료된 대화예요.").waitFor();
  for (const window of [buyer, seller]) assert.equal(await window.composer.count(), 0);
  assert.equal(await buyer.page.locator(".presence-dot").count(), 0);
  await buyer.look("closed-desk");
  await seller.look("closed-phone-dark-ko");
  // The other one is offered a block of their own, as if nothing had happened.
  await seller.page.getByRole("button", { name: "대화 메뉴" }).click();
  await seller.page.getByRole("menuitem", { name: "김민아 님 차단", exact: true }).waitFor();
  await seller.page.keyboard.press("Escape");

  await buyer.page.getByRole("button", { name: "Conversation options", exact: true }).click();
  await buyer.page.getByRole("menuitem", { name: "Unblock Sofía" }).click();
  await dialog(buyer).getByRole("button", { name: "Unblock" }).click();
  await seller.composer.waitFor();
  await buyer.send("Sorry, that was a mistake");
  await seller.message("Sorry, that was a mistake").waitFor();
  await Promise.all([buyer.close(), seller.close()]);
});

test("a message and a conversation are reported", async () => {
  const window = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Jonas");
  const { page } = window;
  await page.locator(".tab-chats").click();
  await window.openChat("Walnut lounge chair");
  await page.getByRole("button", { name: "Conversation options", exact: true }).click();
  await page.getByRole("menuitem", { name: "Report this conversation" }).click();
  await page.getByLabel("Something else").check();
  await window.look("report-phone");
  await dialog(window).getByRole("button", { name: "Send the report" }).click();
  await dialog(window).getByText("Please say in a few words what is wrong.").waitFor();
  await dialog(window).locator("textarea").fill("Wants to be paid in seashells");
  await dialog(window).getByRole("button", { name: "Send the report" }).click();
  await dialog(window).getByText("Your report was sent").waitFor();
  await window.look("report-sent-phone");
  await dialog(window).getByRole("button", { name: "Done" }).click();

  await page.locator(".line", { hasText: "41 cm at the front" }).locator(".line-menu").evaluate((button) => button.click());
  await page.getByRole("menuitem", { name: "Report this message" }).click();
  await page.getByLabel("Spam or advertising").check();
  await dialog(window).getByRole("button", { name: "Send the report" }).click();
  await dialog(window).getByText("Your report was sent").waitFor();
  await window.close();
});

test("a conversation whose other member was erased is shown as closed, and stays readable", async () => {
  await server.api("PUT", "/users/guest", { name: "A guest" });
  const { id } = await server.api("POST", "/rooms", { productId: "brass-lamp", buyerId: "guest" });
  await server.api("POST", `/rooms/${id}/messages`, { text: "Is the switch original?" }, { as: "guest" });
  const seller = await (await Window.open(browser, server.url)).signIn("Sofía");
  await seller.openChat("A guest");
  await seller.send("It is, and it still clicks");
  await seller.message("It is, and it still clicks", "sent").waitFor();
  await server.api("DELETE", "/users/guest");
  await seller.page.getByText("This conversation is closed.").waitFor();
  assert.equal(await seller.composer.count(), 0);
  await seller.page.locator(".conversation").getByText("Deleted user").waitFor();
  const korean = await (await Window.open(browser, server.url, { locale: "ko-KR" })).signIn("Sofía");
  await korean.page.locator(".inbox-name", { hasText: "탈퇴한 사용자" }).waitFor();
  await korean.close();
  await seller.message("It is, and it still clicks").waitFor();
  await seller.look("closed-by-erasure-desk");
  await seller.page.reload();
  await seller.page.getByText("This conversation is closed.").waitFor();
  await seller.message("It is, and it still clicks").waitFor();
  await seller.close();
});

test("a switch that is off counts for both directions, and stays off", async () => {
  const buyer = await (await Window.open(browser, server.url)).signIn("Jonas");
  const seller = await (await Window.open(browser, server.url)).signIn("Priya");
  await buyer.openChat("Steel touring bike");
  await seller.openChat("Steel touring bike");
  await seller.page.locator(".conversation-state[data-online]").waitFor();

  await buyer.page.locator(".account-button").click();
  const presence = buyer.page.getByRole("switch", { name: "When I am here" });
  const shared = (count) =>
    buyer.until((count) => {
      // It is in the page when its code has come.
      const settings = document.querySelector("haggle-settings");
      return settings !== null && all(".switch input:checked", settings.shadowRoot).length === count;
    }, count);
  await shared(5);
  await presence.focus();
  await buyer.page.keyboard.press("Space");
  await shared(4);
  await seller.page.locator(".conversation-state[data-online]").waitFor({ state: "detached" });
  await buyer.look("settings-desk");
  await buyer.page.reload();
  await buyer.page.locator(".account-button").click();
  await shared(4);
  assert.equal(await presence.isChecked(), false);
  await Promise.all([buyer.close(), seller.close()]);
});

test("amounts are read as people type them", async () => {
  const { page } = await Window.open(browser, server.url);
  const read = await page.evaluate(async () => {
    const { parseAmount, amountText } = await import("/components/ui/amount.js");
    const cases = [["98,000", 0], ["98000원", 0], ["₩ 1,200,000", 0], ["１２０", 0], ["98.5", 0], ["0", 0], ["", 0], ["1,23", 0], ["120", 2], ["120.5", 2], ["1,200.50", 2], ["1.200,50", 2], ["1.200", 2], ["$0.99", 2], ["12.345", 2], ["1e9", 2], ["-5", 2], ["1.500", 3], ["99999999999999999", 0]];
    return [cases.map(([text, digits]) => parseAmount(text, digits)), [[980000, 0], [12900, 2], [12950, 2], [undefined, 2]].map(([amount, digits]) => amountText(amount, digits))];
  });
  const no = undefined;
  assert.deepEqual(read[0], [98000, 98000, 1200000, 120, no, no, no, no, 12000, 12050, 120050, 120050, 120000, 99, 1234500, no, no, 1500, no]);
  assert.deepEqual(read[1], ["980,000", "129", "129.50", ""]);
  await page.context().close();
});
