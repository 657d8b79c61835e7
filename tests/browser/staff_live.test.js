import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";
import { en } from "../../static/staff/languages/en.js";
import { ko } from "../../static/staff/languages/ko.js";

/* A conversation that a member of the staff has joined goes on at the desk by itself, and only there, and only while somebody looks. */

const ROOM = "room-jonas-bike";
const SELLER = "priya";

stage({});

/** The desk in the conversation, joined over REST, with the connections that its page has opened. */
async function inRoom(options = {}) {
  const desk = await DeskWindow.signIn(browser, server, options);
  const sockets = [];
  desk.page.on("websocket", (socket) => sockets.push(socket));
  await server.api("POST", `/rooms/${ROOM}/join`, { reason: "They asked for help" }, { as: "moderator" });
  await desk.go(`#/conversations/${ROOM}`);
  return { desk, page: desk.page, sockets, live: desk.page.locator(".live-state", { hasText: (options.locale === "ko-KR" ? ko : en).conversation.states.live }) };
}

const say = (text, as) => server.api("POST", `/rooms/${ROOM}/messages`, { text, clientId: crypto.randomUUID() }, { as });
const leave = () => server.api("POST", `/rooms/${ROOM}/leave`, undefined, { as: "moderator" });

/** Waits until a connection of the page has ended. */
const ended = async (socket) => socket.isClosed() || (await socket.waitForEvent("close"));

const show = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

for (const [name, options] of [
  ["desk-light", { viewport: DESK }],
  ["phone-dark-ko", { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" }],
]) {
  test(`messages, edits, removals, reads and typing appear by themselves: ${name}`, async () => {
    const { desk, page, live } = await inRoom(options);
    await live.waitFor();
    await desk.look(`staff-live-${name}`);
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));

    const { id, seq } = await say(`Is it yours? ${name}`, "jonas");
    await desk.line(`Is it yours? ${name}`).waitFor();
    await page.locator("[aria-live=polite] p", { hasText: `Jonas Weber: Is it yours? ${name}` }).waitFor({ state: "attached" });
    await server.api("PATCH", `/rooms/${ROOM}/messages/${id}`, { text: `Is it really yours? ${name}` }, { as: "jonas" });
    // As a refresh shows it: what it says now, and what it said before.
    const edited = page.locator(`.message[data-seq="${seq}"]`);
    await edited.locator("> .words", { hasText: "really" }).waitFor();
    await edited.locator(".edits", { hasText: `Is it yours? ${name}` }).waitFor();
    await server.api("DELETE", `/rooms/${ROOM}/messages/${id}?reason=a%20test`);
    await edited.locator("> .gone").waitFor();
    await edited.locator(".before-removal", { hasText: "really" }).waitFor();

    const taken = await say("Taken back", "jonas");
    await desk.line("Taken back").waitFor();
    await server.api("DELETE", `/rooms/${ROOM}/messages/${taken.id}`, undefined, { as: "jonas" });
    await page.locator(`.message[data-seq="${taken.seq}"] .gone`).waitFor();
    assert.equal(await desk.line("Taken back").count(), 0, "nothing of it is kept");
    assert.deepEqual(asked.filter((url) => url.includes("/api/v1/")), [], "nothing was asked for");
    await desk.look(`staff-live-heard-${name}`);
    await leave();
    // Somebody else may take one out: the place to write goes with it, and the connection.
    await page.locator(".composer-bar").waitFor({ state: "detached" });
    await desk.close();
  });
}

test("the desk shows who types, and how far each has read", async () => {
  const { desk, page, live } = await inRoom();
  await live.waitFor();
  await say("Have you read this?", "jonas");
  const seller = page.locator(".facts dd", { hasText: "Priya" }).first();
  await seller.getByText(/^Has read \d+ of/).waitFor();
  const member = await (await Window.open(browser, `${server.url}/#/rooms/${ROOM}`)).signIn("Priya");
  await seller.getByText("Has read everything").waitFor();
  await member.composer.pressSequentially("I");
  await page.locator(".live-state", { hasText: "Priya Nair is typing" }).waitFor();
  await member.send("I have");
  await desk.line("I have").waitFor();
  await live.waitFor();
  await member.close();
  await leave();
  await desk.close();
});

test("the reader's place stays, and a button leads to what came meanwhile", async () => {
  for (let n = 1; n <= 30; n += 1) await say(`Line ${n}`, "jonas");
  const { desk, page, live } = await inRoom();
  await live.waitFor();
  const isInSight = (text) => desk.until((text) => {
    const row = [...document.querySelectorAll(".message")].findLast((row) => row.textContent.includes(text))?.getBoundingClientRect();
    return row && row.top >= 0 && row.bottom <= document.querySelector(".composer-bar").getBoundingClientRect().top + 1;
  }, text);
  // At the end: what comes scrolls into view.
  await isInSight("Support joined");
  await say("At the end", "jonas");
  await isInSight("At the end");

  await page.evaluate(() => scrollTo(0, 200));
  await desk.until(() => scrollY === 200);
  await say("Further down", "jonas");
  const button = page.getByRole("button", { name: "1 new message" });
  await button.waitFor();
  await desk.line("Further down").waitFor();
  assert.equal(await page.evaluate(() => scrollY), 200);
  await desk.look("staff-live-unseen");
  await button.press("Enter");
  await isInSight("Further down");
  await desk.until(() => document.activeElement.textContent.includes("Further down"));
  assert.equal(await button.count(), 0);

  // One's own is always shown.
  await page.evaluate(() => scrollTo(0, 200));
  await page.getByLabel(en.conversation.write).fill("My own words");
  await page.keyboard.press("Control+Enter");
  await isInSight("My own words");
  assert.equal(await desk.line("My own words").count(), 1);
  await leave();
  await desk.close();
});

test("a connection that was lost comes back with all that was said, edited and removed meanwhile", async () => {
  const { desk, page, live } = await inRoom();
  await live.waitFor();
  const kept = await say("To be edited", "jonas");
  const gone = await say("To be removed", "jonas");
  await desk.line("To be removed").waitFor();
  await page.context().setOffline(true);
  await page.locator(".live-state", { hasText: en.conversation.states.lost }).waitFor();
  await page.locator("[aria-live=polite] p", { hasText: en.conversation.states.lost }).waitFor({ state: "attached" });
  await server.api("PATCH", `/rooms/${ROOM}/messages/${kept.id}`, { text: "Edited meanwhile" }, { as: "jonas" });
  await server.api("DELETE", `/rooms/${ROOM}/messages/${gone.id}?reason=a%20test`);
  for (let n = 1; n <= 3; n += 1) await say(`Said meanwhile ${n}`, SELLER);
  await page.context().setOffline(false);
  await desk.line("Said meanwhile 3").waitFor();
  await live.waitFor();
  await desk.line("Edited meanwhile").locator(".edits", { hasText: "To be edited" }).waitFor();
  await page.locator(`.message[data-seq="${gone.seq}"] > .gone`).waitFor();
  await page.locator("[aria-live=polite] p", { hasText: "3 new messages" }).waitFor({ state: "attached" });
  const seqs = await page.locator(".message").evaluateAll((rows) => rows.map((row) => Number(row.dataset.seq)));
  assert.deepEqual(seqs, seqs.map((_, index) => seqs[0] + index), "without a hole, each once");
  await leave();
  desk.forgiveLostConnections();
  await desk.close();
});

test("there is a connection only in a conversation that one has joined, while somebody looks", async () => {
  const desk = await DeskWindow.signIn(browser, server, { place: "#/conversations/room-jonas-chair" });
  const { page } = desk;
  const [sockets, asked] = [[], []];
  page.on("websocket", (socket) => sockets.push(socket));
  page.on("request", (request) => asked.push(request.url()));
  await desk.line("how high is the seat").waitFor();
  await desk.go(`#/conversations/${ROOM}`);
  await page.getByRole("button", { name: en.conversation.join, exact: true }).waitFor();
  assert.deepEqual([sockets.length, asked.filter((url) => /client\/(connection|plain_wire)\.js/.test(url))], [0, []]);
  await page.keyboard.press("i");
  await desk.confirm({ reason: "They asked for help" });
  const live = page.locator(".live-state", { hasText: en.conversation.states.live });
  await live.waitFor();
  assert.equal(sockets.length, 1);

  // Hidden, and shown again with what was said meanwhile.
  await show(page, true);
  await ended(sockets[0]);
  await say("While nobody looked", "jonas");
  await show(page, false);
  await desk.line("While nobody looked").waitFor();
  assert.equal(sockets.length, 2);
  await live.waitFor();
  assert.deepEqual(await page.locator("[aria-live=polite] p").allTextContents(), ["1 new message"], "of the connection nothing is said");

  // Another page of the desk.
  await desk.go("#/search");
  await ended(sockets[1]);
  await desk.go(`#/conversations/${ROOM}`);
  await live.waitFor();
  assert.equal(sockets.length, 3);

  // Leaving.
  await page.keyboard.press("i");
  await desk.confirm();
  await ended(sockets[2]);
  await say("Without the staff", "jonas");
  assert.equal(await desk.line("Without the staff").count(), 0);
  await page.keyboard.press("r");
  await desk.line("Without the staff").waitFor();

  // Signing out.
  await page.keyboard.press("i");
  await desk.confirm({ reason: "They asked for help" });
  await live.waitFor();
  assert.equal(sockets.length, 4);
  await page.getByRole("button", { name: "Sign out" }).click();
  await desk.dialog.getByRole("button", { name: "Sign out" }).click();
  await ended(sockets[3]);
  await leave();
  await desk.close();
});

test("when the token ends or its owner is banned, the desk says so, and nothing connects again", async () => {
  const { desk, page, live, sockets } = await inRoom();
  await live.waitFor();
  await server.api("PUT", "/users/moderator/ban", { reason: "a test" });
  await page.getByRole("alert").getByText("Your own account is banned").waitFor();
  await ended(sockets.at(-1));
  await server.api("DELETE", "/users/moderator/ban");

  // A token ends with the process that signed it.
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`);
  await page.locator(".desk").waitFor();
  await desk.go(`#/conversations/${ROOM}`);
  await live.waitFor();
  await server.kill();
  await server.restart();
  await page.getByRole("alert").getByText("The server doesn’t accept this sign-in").waitFor();
  const count = sockets.length;
  await page.goto(`${server.url}/staff#token=${await server.tokenOf("moderator")}`);
  await page.locator(".desk").waitFor();
  assert.equal(sockets.length, count);
  await leave();
  desk.forgiveLostConnections();
  desk.forgiveRefusals();
  await desk.close();
});

test("what is shown stays, with the box, when it can't be read again after a message", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.routeWebSocket(/\/ws\/chat/, (socket) => socket.close());
  await server.api("POST", `/rooms/${ROOM}/join`, { reason: "They asked for help" }, { as: "moderator" });
  await desk.go(`#/conversations/${ROOM}`);
  await page.locator(".live-state", { hasText: en.conversation.states.lost }).waitFor();
  const shown = await page.locator(".message").count();
  const reading = new RegExp(`/api/v1/rooms/${ROOM}$`);
  for (const [text, answer, why] of [
    ["Sent without a network", (route) => route.abort("connectionrefused"), en.failures.unreachable],
    ["Sent at the limit", (route) => route.fulfill({ status: 429, contentType: "application/problem+json", body: JSON.stringify({ code: "rate_limited", status: 429, retryAfterMs: 1000 }) }), en.failures.rate_limited],
  ]) {
    await page.route(reading, answer);
    await page.getByLabel(en.conversation.write).fill(text);
    await page.keyboard.press("Control+Enter");
    const alert = page.getByRole("alert").filter({ hasText: why });
    await alert.waitFor();
    assert.equal(await desk.line(text).count(), 1);
    assert.ok((await page.locator(".message").count()) > shown, "the messages stay");
    await desk.focused(".composer-bar textarea");
    const { y } = await alert.boundingBox();
    assert.ok(y >= 0 && y < DESK.height, "it is in sight from where one writes");
    await desk.look("staff-live-unread");
    await page.unroute(reading);
    await alert.getByRole("button", { name: en.tryAgain }).click();
    await alert.waitFor({ state: "detached" });
    assert.equal(await desk.line(text).count(), 1);
  }
  await leave();
  desk.forgiveLostConnections();
  desk.faults = desk.faults.filter((fault) => !/status of 429/.test(fault));
  await desk.close();
});

test("one's own message leads from an earlier part of the conversation to its end", async () => {
  for (let n = 1; n <= 90; n += 1) await say(`Long line ${n}`, "jonas");
  const { items } = await server.api("GET", `/rooms/${ROOM}/messages?limit=200`, undefined, { as: "jonas" });
  const { seq } = items.find(({ text }) => text === "Long line 10");
  const { desk, page, live } = await inRoom();
  await desk.go(`#/conversations/${ROOM}/${seq}`);
  await page.locator("[data-sought]").waitFor();
  await live.waitFor();
  await say("Said meanwhile", "jonas");
  assert.equal(await desk.line("Long line 90").count(), 0, "the end is not there");
  await page.getByLabel(en.conversation.write).fill("Here is my answer");
  await page.keyboard.press("Control+Enter");
  await desk.line("Here is my answer").waitFor();
  await desk.line("Said meanwhile").waitFor();
  await desk.until(() => {
    const row = [...document.querySelectorAll(".message")].at(-1).getBoundingClientRect();
    return row.top >= 0 && row.bottom <= document.querySelector(".composer-bar").getBoundingClientRect().top + 1;
  });
  await desk.focused(".composer-bar textarea");
  assert.equal(await page.getByRole("button", { name: /new message/ }).count(), 0);
  // It goes on there.
  await say("Said afterwards", "jonas");
  await desk.line("Said afterwards").waitFor();
  await leave();
  await desk.close();
});

test("a conversation that can't be entered says that it is not live, and after a fault of the server's it is tried again", async () => {
  const desk = await DeskWindow.signIn(browser, server);
  const { page } = desk;
  await page.clock.install();
  const entered = [];
  let code = "invalid";
  await page.routeWebSocket(/\/ws\/chat/, (socket) => {
    const upstream = socket.connectToServer();
    socket.onMessage((text) => {
      const { event, id } = JSON.parse(text);
      if (event !== "enterRoom" || !code) return upstream.send(text);
      entered.push(code);
      socket.send(JSON.stringify({ reply: id, error: { code, message: "a test" } }));
    });
  });
  await server.api("POST", `/rooms/${ROOM}/join`, { reason: "They asked for help" }, { as: "moderator" });
  const state = (name) => page.locator(".live-state", { hasText: en.conversation.states[name] });
  await desk.go(`#/conversations/${ROOM}`);
  await state("lost").waitFor();
  await page.locator("[aria-live=polite] p", { hasText: en.conversation.states.lost }).waitFor({ state: "attached" });
  code = "internal";
  await desk.go("#/search");
  await desk.go(`#/conversations/${ROOM}`);
  await state("lost").waitFor();
  assert.deepEqual(entered, ["invalid", "internal"]);
  code = undefined;
  await page.clock.runFor(10_000);
  assert.equal(await state("live").count(), 0, "not at once");
  await page.clock.runFor(25_000);
  await state("live").waitFor();
  await leave();
  desk.forgiveLostConnections();
  await desk.close();
});
