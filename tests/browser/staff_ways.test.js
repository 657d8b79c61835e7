import assert from "node:assert/strict";
import { test } from "node:test";
import { Window } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";

/* What becomes of an action at the desk, for its staff and for members, and the short ways through it. `staff_views.test.js` looks at each view. */

const ROOM = "room-mina-camera";

stage({});

/** A message with a report about it. */
async function reported(words, { from = "junho", by = "mina" } = {}) {
  const { id: messageId } = await server.api("POST", `/rooms/${ROOM}/messages`, { text: words, clientId: crypto.randomUUID() }, { as: from });
  const { id } = await server.api("POST", "/reports", { roomId: ROOM, messageId, category: "scam", text: `About: ${words}` }, { as: by });
  return { id, messageId };
}

test("members see that the marketplace has removed a message, and not that its sender has", async () => {
  const { messageId } = await reported("Pay me elsewhere");
  const members = [];
  for (const [name, locale, said] of [["김민아", "en-US", "Removed by the marketplace"], ["박준호", "ko-KR", "마켓이 삭제한 메시지예요"]]) {
    const member = await (await Window.open(browser, `${server.url}/#/rooms/${ROOM}`, { locale })).signIn(name);
    await member.page.locator(".history[aria-busy=false]").waitFor();
    members.push([member, said]);
  }
  await server.api("DELETE", `/rooms/${ROOM}/messages/${messageId}?reason=a%20test`);
  for (const [member, said] of members) {
    await member.page.locator(".bubble-deleted", { hasText: said }).waitFor();
    // Also where it comes with the history.
    await member.page.reload();
    await member.page.locator(".bubble-deleted", { hasText: said }).waitFor();
    await member.close();
  }
});

for (const wire of ["plain", "socketIo"]) {
  test(`over ${wire}, a banned member reads until when, and nothing that only repeats it`, async () => {
    for (const [until, words] of [[undefined, /until further notice\.$/], ["2999-01-02T12:00:00.000Z", /until Jan 2, 2999, .*\.$/]]) {
      const member = await (await Window.open(browser, `${server.url}/#/rooms/room-amara-guitar`, { wire })).signIn("Amara");
      const { page } = member;
      await page.locator(".history[aria-busy=false]").waitFor();
      await server.api("PUT", "/users/amara/ban", { until, reason: "a test" });
      const closed = page.locator(".notice-page");
      // Now, and when they come back.
      for (const visit of ["open", "refused"]) {
        if (visit === "refused") await page.locator(".person", { hasText: "Amara" }).click();
        await closed.getByText("The marketplace has closed your access").waitFor();
        assert.match(await closed.locator("p").textContent(), words, visit);
        assert.equal(await page.getByRole("button", { name: "Sign in again" }).count(), 0);
        await page.getByRole("button", { name: "Sign in as somebody else" }).click();
      }
      await page.locator(".person").first().waitFor();
      await server.api("DELETE", "/users/amara/ban");
      member.faults = member.faults.filter((fault) => !/status of 403|Unexpected response code: 403/.test(fault));
      await member.close();
    }
  });
}

test("a removed message is shown as removed with its report, also after a reload and a decision", async () => {
  const { id, messageId } = await reported("Give me your password");
  const desk = await DeskWindow.signIn(browser, server, { place: `#/reports/${id}` });
  const { page } = desk;
  const badge = page.locator(".message[data-marked] .status", { hasText: /^Removed / });
  const remove = page.getByRole("button", { name: "Remove the message" });
  await remove.waitFor();
  assert.equal(await badge.count(), 0);
  await page.keyboard.press("x");
  await desk.confirm({ reason: "Asks for a password" });
  await badge.waitFor();
  await remove.waitFor({ state: "detached" });
  await page.reload();
  await badge.waitFor();
  assert.equal(await remove.count(), 0);
  await server.api("PATCH", `/reports/${id}`, { decision: "upheld" });
  await desk.go(`#/reports/${id}?state=decided`);
  await page.locator(".detail .status", { hasText: "Upheld" }).waitFor();
  await badge.waitFor();
  assert.equal(await remove.count(), 0);
  const [entry] = (await server.api("GET", `/audit?roomId=${ROOM}&limit=200`)).items.filter(({ action, reason }) => action === "read_messages" && reason === `Report ${id}`);
  assert.ok(entry, "reading how it stands is in the audit log, with the report as its reason");
  assert.ok(messageId);

  // Its sender may have taken it back.
  const own = await reported("Taken back soon");
  await server.api("DELETE", `/rooms/${ROOM}/messages/${own.messageId}`, undefined, { as: "junho" });
  await desk.go(`#/reports/${own.id}`);
  await page.locator(".message[data-marked] .status", { hasText: /^Deleted / }).waitFor();
  assert.equal(await remove.count(), 0);
  await desk.close();
});

test("the next action on a report begins with the last reason, and a decided one says by whom and why", async () => {
  const { id } = await reported("Pay by voucher");
  const other = await reported("Another one");
  const desk = await DeskWindow.signIn(browser, server, { place: `#/reports/${id}` });
  const { page } = desk;
  const reason = desk.dialog.locator("#reason");
  await page.getByRole("button", { name: "Remove the message" }).waitFor();
  await page.keyboard.press("x");
  await desk.dialog.waitFor();
  assert.equal(await reason.inputValue(), "");
  await desk.confirm({ reason: "Asks for vouchers" });
  await page.keyboard.press("d");
  await desk.dialog.waitFor();
  assert.equal(await reason.inputValue(), "Asks for vouchers");
  // What is typed takes its place.
  await reason.focus();
  await page.keyboard.type("A misunderstanding");
  assert.equal(await reason.inputValue(), "A misunderstanding");
  await desk.confirm();
  await desk.said("The report was dismissed.");

  await desk.go(`#/reports/${other.id}`);
  await page.getByRole("button", { name: "Remove the message" }).waitFor();
  await page.keyboard.press("d");
  await desk.dialog.waitFor();
  assert.equal(await reason.inputValue(), "", "a reason is of its report");
  await page.keyboard.press("Escape");
  await desk.dialog.waitFor({ state: "detached" });

  await desk.go(`#/reports/${id}?state=decided`);
  await page.getByRole("button", { name: "By whom, and why?" }).click();
  await page.locator(".report p", { hasText: "moderator: A misunderstanding" }).waitFor();
  await desk.close();
});

test("an id that nothing has keeps the form, and says so of a person, a product, a conversation and a report", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/search" });
  const { page } = desk;
  const field = page.getByRole("textbox", { name: "Id", exact: true });
  for (const [kind, hint] of [["person", "not their name"], ["product", "not its title"], ["conversation", ""], ["report", ""]]) {
    await page.getByRole("combobox", { name: "What" }).selectOption(kind);
    if (hint) await page.getByText(hint).waitFor();
    await field.fill("nobody-1");
    await field.press("Enter");
    await page.getByRole("heading", { name: "Not found", level: 1 }).waitFor();
    await page.getByRole("alert").getByText(`No ${kind} has the id “nobody-1”.`).waitFor();
    assert.equal(await field.inputValue(), "nobody-1");
    assert.match(await page.title(), kind === "report" ? /Reports – haggle$/ : /^Not found/);
  }
  await page.getByRole("combobox", { name: "What" }).selectOption("person");
  await field.fill("mina");
  await field.press("Enter");
  await page.getByRole("heading", { name: "김민아" }).waitFor();
  desk.forgiveRefusals();
  await desk.close();
});

test("a result is in nobody's way, and goes with the next action", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/mina" });
  const { page } = desk;
  const said = page.locator(".said");
  await page.getByRole("heading", { name: "김민아" }).waitFor();
  const endSessions = async () => {
    await page.getByRole("button", { name: "End their sessions" }).click();
    await desk.confirm();
    await desk.said("were ended");
  };
  await page.clock.install();
  await endSessions();
  assert.equal(await said.evaluate((element) => getComputedStyle(element).pointerEvents), "none");
  await page.keyboard.press("j");
  await desk.until(() => document.querySelector(".said").textContent === "");
  await endSessions();
  await page.clock.runFor(2_500);
  assert.notEqual(await said.textContent(), "");
  await page.clock.runFor(600);
  await desk.until(() => document.querySelector(".said").textContent === "");
  await desk.close();
});

test("what was erased with its sender says so", async () => {
  await server.api("PUT", "/users/gone", { name: "Gone" });
  const { id: room } = await server.api("POST", "/rooms", { productId: "monstera", buyerId: "gone" });
  await server.api("POST", `/rooms/${room}/messages`, { text: "Words of mine", clientId: "words" }, { as: "gone" });
  await server.api("DELETE", "/users/gone");
  const desk = await DeskWindow.signIn(browser, server, { place: `#/conversations/${room}` });
  await desk.line("Erased with its sender").waitFor();
  assert.equal(await desk.line("Deleted by its sender").count(), 0);
  await desk.close();

  // Their name is haggle's own, so each reader has it in their language.
  const korean = await DeskWindow.signIn(browser, server, { locale: "ko-KR", place: `#/conversations/${room}` });
  await korean.page.locator(".message-head", { hasText: "탈퇴한 사용자" }).first().waitFor();
  assert.match(await korean.page.locator("h1").textContent(), /탈퇴한 사용자/);
  await korean.go("#/products/monstera");
  await korean.row("탈퇴한 사용자").waitFor();
  assert.equal(await korean.page.getByText("Deleted user").count(), 0);
  await korean.close();
});

test("dialogs say what an action does, and what it does not", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/junho" });
  const { page } = desk;
  const says = async (button, ...sentences) => {
    await page.getByRole("button", { name: button, exact: true }).click();
    for (const sentence of sentences) await desk.dialog.getByText(sentence).waitFor();
    await page.keyboard.press("Escape");
    await desk.dialog.waitFor({ state: "detached" });
  };
  await says("Ban", "Nobody can begin a conversation about their products until then.", "Warn the buyers where needed.");
  await says("Export their data", "Not in it: the other side’s words, image files, notes, reports, mutes and bans.");
  await says("Erase", "What they said goes from reports too.", "Your backups and your own records are yours to erase.");
  await desk.go(`#/conversations/${ROOM}`);
  await says("Freeze", "An accepted offer stays accepted: the seller can’t change the product’s status.");
  await says("Join", "Both see “Support joined: Noor Haddad”.");
  await desk.close();
});

test("Enter opens a row of the mutes and bans, / selects the old words, and Esc leads back to the person", async () => {
  await server.api("PUT", "/users/sofia/ban", { reason: "Sold what does not exist" });
  const { id } = await reported("Look at me");
  const desk = await DeskWindow.signIn(browser, server, { place: "#/sanctions" });
  const { page } = desk;
  await desk.row("Sold what does not exist").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sofía Herrera" }).waitFor();
  await server.api("DELETE", "/users/sofia/ban");

  await page.keyboard.press("/");
  await desk.focused("#search-words");
  await page.keyboard.type("cassette");
  await page.locator("#search-reason").fill("a test");
  await page.keyboard.press("Enter");
  await desk.focused(".row[data-row]");
  await page.keyboard.press("/");
  await page.keyboard.type("seat");
  assert.equal(await page.locator("#search-words").inputValue(), "seat");

  await desk.go("#/people/junho");
  await page.locator(`.row[data-row="${id}"]`).focus();
  await page.keyboard.press("Enter");
  await desk.focused("#report-title");
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "박준호" }).waitFor();
  // From the queue it leads to the queue.
  await page.keyboard.press("1");
  await page.locator(`.queue-row[data-row="${id}"]`).click();
  await page.locator("#report-title").waitFor();
  await page.keyboard.press("Escape");
  await desk.focused(`[data-row="${id}"]`);
  await desk.close();
});
