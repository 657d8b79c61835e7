import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/*
 * Two things at once, as the two people see them. Which of the two comes first is the server's to decide: what is checked is
 * that everybody ends up seeing the same, in words, with nothing left to press.
 */

stage();

/** Both buttons, found first: what the one does must not take the other away before it was pressed. */
async function pressAtOnce(...buttons) {
  const found = await Promise.all(buttons.map((button) => button.elementHandle()));
  await Promise.all(found.map((button) => button.evaluate((element) => element.click())));
}

const open = async (name, options) => (await Window.open(browser, server.url, options)).signIn(name);
const dialog = (window) => window.page.locator("dialog[open]");
const offer = (window, status) => window.page.locator(`.offer[data-status="${status}"]`);

test("two answers to one offer from two tabs: one counts, the other is told, and all three windows agree", async () => {
  const buyer = await open("Jonas", { wire: "plain" });
  const first = await open("박준호", { wire: "socketIo" });
  const second = await open("박준호", { wire: "plain", viewport: PHONE, locale: "ko-KR", colorScheme: "dark" });
  await buyer.chatWithSeller("Belt-drive turntable");
  await buyer.page.getByRole("button", { name: "Offer", exact: true }).click();
  await dialog(buyer).locator("input").fill("150000");
  await dialog(buyer).getByRole("button", { name: "Send the offer" }).click();
  for (const window of [first, second]) await window.openChat("Jonas");
  await offer(first, "pending").getByRole("button", { name: "Accept" }).click();
  await pressAtOnce(dialog(first).getByRole("button", { name: "Accept" }), offer(second, "pending").getByRole("button", { name: "거절" }));
  const settled = (window) => window.page.locator(".offer:is([data-status=accepted], [data-status=declined])");
  for (const window of [buyer, first, second]) await settled(window).waitFor();
  const states = await Promise.all([buyer, first, second].map((window) => settled(window).getAttribute("data-status")));
  assert.equal(new Set(states).size, 1, states.join());
  if (states[0] === "declined") {
    await dialog(first).getByRole("alert").getByText("This offer changed in the meantime").waitFor();
    await first.page.keyboard.press("Escape");
  } else {
    await second.page.locator(".offer").getByRole("alert").getByText("그사이 제안이 바뀌었어요").waitFor();
  }
  for (const window of [buyer, first, second]) assert.equal(await window.page.locator(".offer-actions").count(), 0);
  await first.look("race-offer-desk");
  await second.look("race-offer-phone-dark-ko");
  await Promise.all([buyer.close(), first.close(), second.close()]);
});

test("an edit in one tab against a deletion in the other: the message is gone everywhere, and the edit says why", async () => {
  const editing = await open("Jonas", { wire: "plain" });
  const deleting = await open("Jonas", { wire: "socketIo" });
  const other = await open("Priya", { viewport: PHONE });
  for (const window of [editing, deleting]) await window.openChat("Steel touring bike");
  await other.openChat("Steel touring bike");
  await editing.send("Is eleven all right?");
  for (const window of [editing, deleting, other]) await window.message("Is eleven all right?").waitFor();
  const menu = async (window, item) => {
    await window.page.locator(".line", { hasText: "Is eleven all right?" }).last().locator(".line-menu").click({ force: true });
    await window.page.getByRole("menuitem", { name: item }).click();
  };
  await menu(editing, "Edit");
  await editing.composer.fill("Is twelve all right?");
  await menu(deleting, "Delete");
  await pressAtOnce(editing.page.locator(".send"), dialog(deleting).getByRole("button", { name: "Delete" }));
  for (const window of [editing, deleting, other]) await window.page.locator(".bubble-deleted").waitFor();
  for (const window of [editing, deleting, other]) {
    assert.equal((await window.texts()).filter((text) => /all right/.test(text)).length, 0);
  }
  // Either the edit came first, and nothing is left of it, or it is over, and the composer is free again.
  await editing.page.locator(".composer-bar").waitFor({ state: "detached" });
  assert.equal(await editing.composer.inputValue(), "");
  await editing.look("race-edit-desk");
  await editing.send("Never mind");
  await other.message("Never mind").waitFor();
  await Promise.all([editing.close(), deleting.close(), other.close()]);
});

test("a block against a message on its way: it is either stored for both or refused to its sender, in words", async () => {
  const buyer = await open("김민아", { wire: "socketIo" });
  const seller = await open("Sofía", { wire: "plain", viewport: PHONE });
  await buyer.openChat("Brass desk lamp");
  await seller.openChat("Brass desk lamp");
  await buyer.page.getByRole("button", { name: "Conversation options", exact: true }).click();
  await buyer.page.getByRole("menuitem", { name: "Block Sofía" }).click();
  await seller.composer.fill("One last thing");
  await pressAtOnce(dialog(buyer).getByRole("button", { name: "Block" }), seller.page.locator(".send"));
  for (const window of [buyer, seller]) await window.page.getByText("This conversation is closed.").first().waitFor();
  const line = seller.message("One last thing");
  await line.and(seller.page.locator("[data-state=sent], [data-state=read], [data-state=failed]")).waitFor();
  const state = await line.getAttribute("data-state");
  if (state === "failed") {
    await line.locator(".failure", { hasText: "This conversation is closed." }).waitFor();
    assert.equal(await buyer.message("One last thing").count(), 0);
    await seller.look("race-block-refused-phone");
    // Nothing to try again while it is closed; it can be given up.
    assert.equal(await line.getByRole("button", { name: /Tap to try again/ }).count(), 0);
    await line.getByRole("button", { name: "Discard" }).click();
    await line.waitFor({ state: "detached" });
  } else {
    await buyer.message("One last thing").waitFor();
  }
  for (const window of [buyer, seller]) assert.equal(await window.composer.count(), 0);
  await Promise.all([buyer.close(), seller.close()]);
});

test("what waits offline while the conversation closes is refused in words, and goes out once it is open again", async () => {
  const buyer = await open("Jonas", { wire: "plain", viewport: PHONE });
  const seller = await open("Sofía", { wire: "socketIo" });
  await buyer.page.locator(".tab-chats").click();
  await buyer.openChat("Walnut lounge chair");
  await buyer.page.context().setOffline(true);
  await buyer.page.getByText("You’re offline.").waitFor();
  await buyer.send("From the tunnel");
  await server.api("PUT", "/blocks/jonas", undefined, { as: "sofia" });
  await buyer.page.context().setOffline(false);
  const line = buyer.page.locator('.line[data-state="failed"]', { hasText: "From the tunnel" });
  await line.getByText("This conversation is closed.").waitFor();
  await buyer.look("failed-closed-phone");
  await server.api("DELETE", "/blocks/jonas", undefined, { as: "sofia" });
  await line.getByRole("button", { name: /Tap to try again/ }).click();
  await buyer.message("From the tunnel", "sent").waitFor();
  // The row has moved to the top by then, and not under the pointer.
  await seller.page.locator(".inbox-row", { hasText: "Walnut lounge chair" }).getByText("From the tunnel").waitFor();
  await seller.openChat("Walnut lounge chair");
  await seller.message("From the tunnel").waitFor();
  buyer.forgiveLostConnections();
  await Promise.all([buyer.close(), seller.close()]);
});

test("read in one tab, the badge is gone in every other, without entering the room there", async () => {
  const wires = ["socketIo", "plain"];
  const tabs = await Promise.all(wires.map((wire) => open("Priya", { wire })));
  const buyer = await open("Amara");
  await buyer.openChat("Parlour guitar");
  await buyer.send("Still there?");
  const row = (window) => window.page.locator(".inbox-row", { hasText: "Parlour guitar" });
  for (const tab of tabs) {
    await row(tab).getByText("Still there?").waitFor();
    assert.equal(await row(tab).locator(".badge [aria-hidden]").textContent(), "1");
    await tab.until(() => /^\(\d+\)/.test(document.title));
  }
  const [here, there] = tabs;
  await there.page.evaluate(() => (window.here = location.hash));
  await row(here).click();
  for (const tab of tabs) await row(tab).locator(".badge").waitFor({ state: "detached" });
  assert.equal(await there.page.evaluate(() => window.here === location.hash), true, "it stayed where it was");
  await buyer.message("Still there?", "read").waitFor();
  // Both tabs in the room: one message is one message, and read once.
  await row(there).click();
  await buyer.send("In both?");
  for (const tab of tabs) {
    await tab.message("In both?").waitFor();
    assert.equal(await tab.message("In both?").count(), 1);
  }
  await buyer.message("In both?", "read").waitFor();
  // What one sends from one tab is in the other, too.
  await here.send("Yes, in both");
  await there.message("Yes, in both").waitFor();
  assert.deepEqual(await there.texts(), await here.texts());
  await Promise.all([...tabs, buyer].map((window) => window.close()));
});
