import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

stage();

// Each with a buyer of its own, so that the room is new each time.
for (const [buyerWire, sellerWire, name] of [
  ["socketIo", "socketIo", "김민아"],
  ["plain", "plain", "Amara"],
  ["socketIo", "plain", "Jonas"],
]) {
  test(`a buyer on ${buyerWire} and a seller on ${sellerWire} talk in two windows and see each other's messages read`, async () => {
    await talk(buyerWire, sellerWire, name);
  });
}

async function talk(buyerWire, sellerWire, name) {
  const buyer = await (await Window.open(browser, server.url, { wire: buyerWire })).signIn(name);
  const seller = await (await Window.open(browser, server.url, { wire: sellerWire })).signIn("박준호");
  // A seller starts with the newest conversation: the one that is begun next is not it.
  await seller.page.locator("#conversation-title").waitFor();
  const unreadBefore = await seller.page.title();

  await buyer.chatWithSeller("Belt-drive turntable");
  await buyer.send("Does it come with a needle?");
  await buyer.message("Does it come with a needle?", "sent").waitFor();

  // The seller has not entered the room: the inbox alone shows it.
  const row = seller.page.locator(".inbox-row", { hasText: "Belt-drive turntable" }).filter({ hasText: name });
  await row.getByText("Does it come with a needle?").waitFor();
  assert.equal(await row.locator(".badge [aria-hidden]").textContent(), "1");
  await seller.until((before) => /^\(\d+\) haggle$/.test(document.title) && document.title !== before, unreadBefore);

  await row.click();
  await seller.page.locator(".history[aria-busy=false]").waitFor();
  await seller.message("Does it come with a needle?").waitFor();
  await buyer.message("Does it come with a needle?", "read").waitFor();
  await row.locator(".badge").waitFor({ state: "detached" });
  await buyer.page.locator(".conversation-state[data-online]").waitFor();

  await seller.composer.pressSequentially("Yes, a n");
  await buyer.page.locator(".conversation-state[data-typing]").waitFor();
  await seller.send("Yes, a new one.");
  await buyer.message("Yes, a new one.").waitFor();
  await buyer.page.locator(".conversation-state[data-typing]").waitFor({ state: "detached" });
  await seller.message("Yes, a new one.", "read").waitFor();

  assert.deepEqual(await buyer.texts(), ["Does it come with a needle?", "Yes, a new one."]);
  assert.deepEqual(await seller.texts(), await buyer.texts());
  await buyer.screenshot("talk-buyer");
  await seller.screenshot("talk-seller");
  await Promise.all([buyer.close(), seller.close()]);
}

test("the account menu switches between the wires, and the window remembers", async () => {
  const { page, ...window } = await (await Window.open(browser, server.url)).signIn("Sofía");
  const pressed = () => page.getByRole("group", { name: "Connection" }).locator("[aria-pressed=true]").textContent();
  await page.locator(".account-button").click();
  assert.equal(await pressed(), "Socket.IO");
  await page.getByRole("button", { name: "WebSocket + JSON" }).click();
  await page.locator(".inbox-row").first().waitFor();
  // From here on: before, the first wire's upgrade may still have been under way.
  const wires = [];
  page.on("websocket", (socket) => wires.push(new URL(socket.url()).pathname));
  await page.reload();
  await page.locator(".inbox-row").first().waitFor();
  await page.locator(".account-button").click();
  assert.equal(await pressed(), "WebSocket + JSON");
  assert.deepEqual([...new Set(wires)], ["/ws/chat"]);
  await page.context().close();
  assert.deepEqual(window.faults, []);
});

test("presence follows the other window", async () => {
  const buyer = await (await Window.open(browser, server.url)).signIn("Jonas");
  const seller = await (await Window.open(browser, server.url)).signIn("Priya");
  await buyer.openChat("Steel touring bike");
  await seller.openChat("Steel touring bike");
  await buyer.page.locator(".presence-dot").waitFor();
  await seller.close();
  await buyer.page.locator(".presence-dot").waitFor({ state: "detached" });
  await buyer.close();
});

test("text from people is never markup", async () => {
  const hostile = `<img src=x onerror="document.title='owned'"> <b>bold</b> &amp; \${1+1} javascript:alert(1)`;
  const buyer = await (await Window.open(browser, server.url)).signIn("Amara");
  const seller = await (await Window.open(browser, server.url)).signIn("Priya");
  await buyer.openChat("Parlour guitar");
  await seller.openChat("Parlour guitar");

  await buyer.send(hostile);
  await buyer.message(hostile, "read").waitFor();
  await seller.message(hostile).waitFor();
  await seller.page.reload();
  await seller.message(hostile).waitFor();

  for (const { page } of [buyer, seller]) {
    assert.equal(await page.locator(".history img:not(.avatar img), .history b, .inbox-last *").count(), 0);
    assert.doesNotMatch(await page.title(), /owned/);
  }
  await Promise.all([buyer.close(), seller.close()]);
});

test("older messages load while the reader's place is kept, and new ones wait behind a pill", async () => {
  const buyer = await (await Window.open(browser, server.url)).signIn("Amara");
  const seller = await (await Window.open(browser, server.url)).signIn("Sofía");
  await buyer.chatWithSeller("Monstera");
  const roomId = decodeURIComponent(new URL(buyer.page.url()).hash.split("/")[2]);
  for (let line = 1; line <= 70; line += 1) await server.api("POST", `/rooms/${roomId}/messages`, { text: `line ${line}` }, { as: "amara" });
  await seller.openChat("Monstera");

  // At the first unread one, which is far above the end: nothing below has been seen yet.
  await seller.page.locator(".new-mark").waitFor();
  await seller.page.locator(".to-end").waitFor();

  const oldest = await seller.page.locator(".line[data-seq]").first().getAttribute("data-seq");
  assert.equal(oldest, "1", "scrolled so near to the start, the page before was asked for");

  // A reload starts at the end, with the newest page only.
  await seller.page.locator(".to-end").click();
  await buyer.message("line 70", "read").waitFor();
  await seller.page.reload();
  await seller.message("line 70").waitFor();
  const first = Number(await seller.page.locator(".line[data-seq]").first().getAttribute("data-seq"));
  assert.equal(first, 21);
  const offset = () =>
    seller.page.locator(`.line[data-seq="${first}"]`).evaluate((line) => line.getBoundingClientRect().top);
  // The older page is held back until the place has been measured.
  let release;
  const measured = new Promise((resolve) => (release = resolve));
  await seller.page.route("**/messages?*before=*", async (route) => {
    await measured;
    await route.continue();
  });
  await seller.page.locator(".history").evaluate((element) => (element.scrollTop = 150));
  await seller.page.locator(".loading-older").waitFor();
  const before = await offset();
  release();
  await seller.page.locator('.line[data-seq="1"]').waitFor({ state: "attached" });
  assert.ok(Math.abs((await offset()) - before) < 2, `moved from ${before} to ${await offset()}`);

  await buyer.send("And one more thing");
  await seller.page.getByRole("button", { name: "1 new message" }).waitFor();
  await buyer.message("And one more thing", "sent").waitFor();
  await seller.page.getByRole("button", { name: "1 new message" }).click();
  await buyer.message("And one more thing", "read").waitFor();

  const texts = (await seller.texts()).filter((text) => text.startsWith("line "));
  assert.deepEqual(texts, Array.from({ length: 70 }, (_, index) => `line ${index + 1}`));
  await Promise.all([buyer.close(), seller.close()]);
});

test("anyone who reads the end stays there, when the conversation or what is in it changes its size", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Jonas");
  await window.openChat("Steel touring bike");
  const { page } = window;
  const toEnd = () => page.locator(".history").evaluate((history) => history.scrollHeight - history.clientHeight - history.scrollTop);
  const isAtEnd = async () => assert.ok((await toEnd()) < 2, `${await toEnd()} px above the end`);
  await isAtEnd();
  const settled = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  // Taller, lower and lower again, each between a frame and the next one, which first says that the one before was scrolled.
  await page.evaluate(async () => {
    const frame = document.querySelector("haggle-messenger");
    for (const height of ["300px", "720px", "400px"]) {
      frame.style.blockSize = height;
      await new Promise(requestAnimationFrame);
      await new Promise((later) => setTimeout(later));
    }
  });
  await settled();
  await isAtEnd();
  // Words that become larger, as by a style sheet that comes late, while the frame around them stays as it is.
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("haggle-messenger::part(message) { font-size: 2rem }");
    document.adoptedStyleSheets.push(sheet);
  });
  await settled();
  await isAtEnd();
  // Anyone who reads further up is left there.
  await page.locator(".history").evaluate((history) => (history.scrollTop = 0));
  await page.locator(".to-end").waitFor();
  await page.evaluate(() => (document.querySelector("haggle-messenger").style.blockSize = "380px"));
  await settled();
  assert.ok((await toEnd()) > 100);
  await window.close();
});

test("a message that the server refuses can be sent again with one tap, or given up", async () => {
  const buyer = await Window.open(browser, server.url);
  // Of an older server the page does not know how long a message may be.
  await buyer.page.route("**/api/v1/features", async (route) => {
    const { limits, ...older } = await (await route.fetch()).json();
    await route.fulfill({ json: older });
  });
  await buyer.signIn("Jonas");
  await buyer.openChat("Walnut lounge chair");
  const tooLong = "x".repeat(20_000);
  await buyer.composer.fill(tooLong);
  await buyer.composer.press("Enter");
  const failed = buyer.page.locator('.line[data-state="failed"]');
  await failed.getByText("The message is too long.").waitFor();
  await failed.getByRole("button", { name: /Tap to try again/ }).click();
  await failed.getByText("The message is too long.").waitFor();
  // Back into the composer, in front of what was begun meanwhile, to be made shorter.
  await buyer.composer.fill("and this");
  await failed.getByRole("button", { name: "Edit" }).click();
  await failed.waitFor({ state: "detached" });
  assert.equal(await buyer.composer.inputValue(), `${tooLong}\nand this`);
  await buyer.composer.press("Enter");
  await failed.getByRole("button", { name: "Discard" }).click();
  await failed.waitFor({ state: "detached" });
  await buyer.send("A short one, then.");
  await buyer.message("A short one, then.", "sent").waitFor();
  await buyer.close();
});

test("a message is replied to and reacted to, by keyboard and by touch, and the other sees it at once", async () => {
  const buyer = await (await Window.open(browser, server.url)).signIn("Jonas");
  const seller = await (await Window.open(browser, server.url, { viewport: PHONE, colorScheme: "dark" })).signIn("Priya");
  await buyer.openChat("Steel touring bike");
  await seller.page.locator(".tab-chats").click();
  await seller.openChat("Steel touring bike");
  await buyer.send("Is the bell on it?");
  const asked = seller.message("Is the bell on it?");
  await asked.waitFor();
  const menuOf = (line) => line.locator(".line-menu").evaluate((button) => button.click());
  const replies = (window) => window.page.locator(".quote");
  const reaction = (window, name) => window.page.getByRole("button", { name });

  // Escape gives a reply up, and what is sent next is none.
  const bar = seller.page.getByText(/^Reply to Jonas.*: \u2068Is the bell on it\?\u2069$/);
  await menuOf(asked);
  await seller.look("message-menu-phone-dark");
  await seller.page.getByRole("menuitem", { name: "Reply" }).click();
  await bar.waitFor();
  await seller.composer.press("Escape");
  await bar.waitFor({ state: "detached" });
  await menuOf(asked);
  await seller.page.getByRole("menuitem", { name: "Reply" }).click();
  await seller.look("replying-phone-dark");
  await seller.send("Yes, it is.");
  await bar.waitFor({ state: "detached" });
  for (const [window, name] of [[seller, /^Jonas.*: \u2068Is the bell on it\?\u2069$/], [buyer, "You: \u2068Is the bell on it?\u2069"]]) {
    await replies(window).getByText(name).waitFor();
  }

  // By the keyboard: from the menu's first item up to the emoji, and along them.
  const answered = buyer.page.locator(".line", { hasText: "Yes, it is." });
  await answered.locator(".line-menu").focus();
  await buyer.page.keyboard.press("Enter");
  await buyer.page.getByRole("menuitemradio", { name: "👍" }).waitFor();
  await buyer.look("reacting-desk");
  for (let step = 0; step < 6; step += 1) await buyer.page.keyboard.press("ArrowLeft");
  await buyer.page.keyboard.press("Enter");
  await reaction(buyer, "👍 You").waitFor();
  await buyer.until(() => focused()?.matches(".line-menu"));
  // Pressed, the other's is said again, and one's own is taken back.
  await reaction(seller, /^👍 Jonas/).click();
  await reaction(buyer, /^👍 Priya/).waitFor();
  await Promise.all([buyer.look("reactions-desk"), seller.look("reactions-phone-dark")]);
  await reaction(buyer, "👍 You").click();
  for (const [window, name] of [[buyer, "👍 You"], [seller, /^👍 Jonas/]]) await reaction(window, name).waitFor({ state: "detached" });
  assert.equal(await reaction(seller, "👍 You").getAttribute("aria-pressed"), "true");

  // The way to the original, which may be deleted by now.
  await replies(buyer).click();
  await buyer.until(() => focused()?.matches(".line-menu") && focused().closest(".sought"));
  await menuOf(buyer.message("Is the bell on it?"));
  await buyer.page.getByRole("menuitem", { name: "Delete" }).click();
  await buyer.page.locator("dialog[open]").getByRole("button", { name: "Delete" }).click();
  await replies(seller).getByText(/^Jonas.*: \u2068This message was deleted\u2069$/).waitFor();
  await Promise.all([buyer.close(), seller.close()]);
});
