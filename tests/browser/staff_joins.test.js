import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { picture } from "./support/picture.js";
import { browser, server, stage } from "./support/stage.js";
import { en } from "../../static/staff/languages/en.js";
import { ko } from "../../static/staff/languages/ko.js";

/* A member of the staff joins a conversation at the desk, writes there and leaves, by keyboard; and what a member sees of it. */

const ROOM = "room-jonas-bike";

stage({});

for (const [name, options, t] of [
  ["desk-light", { viewport: DESK }, en],
  ["phone-dark-ko", { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" }, ko],
]) {
  test(`staff joins, writes and leaves by keyboard: ${name}`, async () => {
    const desk = await DeskWindow.signIn(browser, server, { ...options, place: `#/conversations/${ROOM}` });
    const { page } = desk;
    const button = (label) => page.getByRole("button", { name: label, exact: true });
    await button(t.conversation.join).waitFor();
    assert.equal(await page.getByLabel(t.conversation.write).count(), 0, "nobody writes before they have joined");
    await page.keyboard.press("i");
    await desk.confirm({ reason: "They asked for help" });
    await desk.said(t.actions.join("").done);
    await button(t.conversation.leave).waitFor();
    await page.getByText(t.conversation.inIt, { exact: true }).waitFor();

    const words = `How can I help? ${name}`;
    await desk.focused(".composer-bar textarea");
    await page.getByText(t.conversation.writeHint, { exact: true }).waitFor();
    await page.keyboard.type(words);
    await page.keyboard.press("Control+Enter");
    await desk.line(words).waitFor();
    assert.match(await desk.line(words).textContent(), new RegExp(t.conversation.staff));
    await desk.look(`staff-joined-${name}`);
    await desk.until((selector) => globalThis.document.querySelector(selector)?.value === "", ".form textarea");

    const { items } = await server.api("GET", `/rooms/${ROOM}/messages`, undefined, { as: "priya" });
    assert.equal(items.at(-1).sender.role, "staff");
    await page.keyboard.press("Escape");
    await page.keyboard.press("i");
    await desk.confirm();
    await desk.said(t.actions.leave.done);
    await button(t.conversation.join).waitFor();
    assert.equal(await page.getByLabel(t.conversation.write).count(), 0);
    await desk.close();
  });
}

test("a member sees who joins, what they say under which name, and that they leave", async () => {
  const member = await (await Window.open(browser, server.url)).signIn("Jonas");
  const row = member.page.locator(`.inbox-row[data-room="${ROOM}"]`);
  await row.click();
  await member.page.locator(".history[aria-busy=false]").waitFor();
  const desk = await DeskWindow.signIn(browser, server, { place: `#/conversations/${ROOM}` });
  await desk.page.getByRole("button", { name: en.conversation.join, exact: true }).waitFor();
  await desk.page.keyboard.press("i");
  await desk.confirm({ reason: "They asked for help" });
  const joined = member.page.locator(".system", { hasText: /^Support joined: / });
  await joined.last().waitFor();
  const name = (await joined.last().textContent()).replace("Support joined: ", "");

  await desk.page.getByLabel(en.conversation.write).fill("Is everything all right here?");
  await desk.page.keyboard.press("Control+Enter");
  const group = member.page.locator(".group", { hasText: "Is everything all right here?" });
  await group.waitFor();
  assert.equal(await group.getAttribute("aria-label"), name);
  assert.match(await group.textContent(), new RegExp(`${name}\\s*Support`));
  await member.send("Thank you, it is.");
  await member.message("Thank you, it is.", "sent").waitFor();
  await member.look("staff-in-conversation");
  // What a screen reader says names the one who says it, too.
  await member.page.locator("[aria-live=polite]", { hasText: `${name}: Is everything all right here?` }).waitFor({ state: "attached" });

  await desk.page.keyboard.press("Escape");
  await desk.page.keyboard.press("i");
  await desk.confirm();
  await member.page.locator(".system", { hasText: `Support left: ${name}` }).last().waitFor();
  await member.close();
  await desk.close();
});

test("a conversation that one has joined opens at its newest message, with the box in sight and the draft in it", async () => {
  for (let n = 1; n <= 30; n += 1) await server.api("POST", `/rooms/${ROOM}/messages`, { text: `Line ${n}`, clientId: `line-${n}` }, { as: "jonas" });
  const desk = await DeskWindow.signIn(browser, server, { place: `#/conversations/${ROOM}` });
  const { page } = desk;
  const isInSight = (selector) => desk.until((selector) => {
    const found = [...document.querySelectorAll(selector)].at(-1)?.getBoundingClientRect();
    return found && found.top >= 0 && found.bottom <= innerHeight;
  }, selector);
  await desk.line("Line 30").waitFor();
  await page.keyboard.press("i");
  await desk.dialog.getByText("Both see “Support joined: Noor Haddad”.").waitFor();
  await desk.confirm({ reason: "They asked for help" });
  await desk.focused(".composer-bar textarea");
  await isInSight(".composer-bar");
  await isInSight(".message");
  await page.keyboard.type("Half a sentence");

  // It outlives another view, and a reload.
  await page.keyboard.press("Escape");
  await page.keyboard.press("4");
  await page.locator(".entry").first().waitFor();
  await desk.go(`#/conversations/${ROOM}`);
  await desk.line("Line 30").waitFor();
  await isInSight(".composer-bar");
  await isInSight(".message");
  await page.reload();
  await desk.line("Line 30").waitFor();
  await page.keyboard.press("e");
  await desk.focused(".composer-bar textarea");
  assert.equal(await page.locator(".composer-bar textarea").inputValue(), "Half a sentence");
  await desk.go("#/conversations/room-jonas-chair");
  await desk.line("how high is the seat").waitFor();
  assert.equal(await page.locator(".composer-bar").count(), 0);
  await desk.go(`#/conversations/${ROOM}`);
  await desk.line("Line 30").waitFor();

  // Signing out forgets it.
  await page.getByRole("button", { name: "Sign out" }).click();
  await desk.dialog.getByRole("button", { name: "Sign out" }).click();
  await page.locator(".person").first().waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.includes("draft"))), []);
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`);
  await page.locator(".desk").waitFor();
  await desk.go(`#/conversations/${ROOM}`);
  await page.locator(".composer-bar textarea").waitFor();
  assert.equal(await page.locator(".composer-bar textarea").inputValue(), "");
  await page.keyboard.press("i");
  await desk.confirm();
  await page.locator(".composer-bar").waitFor({ state: "detached" });
  await desk.close();
});

test("a picture by staff, and a hit of the desk's search, have the name of the one who sent it", async () => {
  const member = await (await Window.open(browser, server.url)).signIn("Jonas");
  const desk = await DeskWindow.signIn(browser, server);
  await server.api("POST", `/rooms/${ROOM}/join`, { reason: "They asked for help" }, { as: "moderator" });
  const { buffer } = await picture(member, "form.png", 400, 300);
  const form = new FormData();
  form.append("image", new Blob([buffer], { type: "image/png" }), "form.png");
  form.append("text", "This is the quokka form");
  const headers = { authorization: `Bearer ${await server.tokenOf("moderator")}` };
  const sent = await (await fetch(`${server.url}/api/v1/rooms/${ROOM}/images`, { method: "POST", headers, body: form })).json();
  const { name } = sent.sender;

  await member.page.locator(`.inbox-row[data-room="${ROOM}"]`).click();
  await member.page.locator(`.line[data-seq="${sent.seq}"] .image`).click();
  await member.page.locator(".gallery[open]").getByRole("heading", { name: new RegExp(name) }).waitFor();
  await member.close();

  await desk.go("#/search");
  await desk.page.locator("#search-words").fill("quokka");
  await desk.page.locator("#search-reason").fill("A question about a form");
  await desk.page.locator("#search-reason").press("Enter");
  await desk.row("quokka").waitFor();
  assert.equal(await desk.row("quokka").locator("strong").textContent(), name);
  await server.api("POST", `/rooms/${ROOM}/leave`, undefined, { as: "moderator" });
  await desk.close();
});
