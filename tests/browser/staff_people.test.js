import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE } from "./support/browser.js";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";
import { en } from "../../static/staff/languages/en.js";
import { ko } from "../../static/staff/languages/ko.js";

/* How the desk finds a person, and what was done about them. */

stage({});

test("what was done about a person stands alone, in pages, among many looks at them", async () => {
  await server.api("PUT", "/users/amara/mute", { until: "2999-01-01T00:00:00.000Z", reason: "The first of all" });
  for (let n = 0; n < 60; n += 1) await server.api("GET", "/users/amara");
  for (let n = 0; n < 51; n += 1) await server.api("POST", "/users/amara/notes", { text: `Note ${n}` });
  await server.api("DELETE", "/users/amara/mute");
  const desk = await DeskWindow.signIn(browser, server, { place: "#/people/amara" });
  const { page } = desk;
  await page.getByRole("link", { name: "What was done", exact: true }).press("Enter");
  await desk.row("Ended a mute").waitFor();
  assert.equal(await page.getByRole("combobox", { name: "Show" }).inputValue(), "actions");
  assert.equal(await page.getByRole("textbox", { name: "Id", exact: true }).inputValue(), "amara");
  await page.getByRole("button", { name: "Show more" }).press("Enter");
  await desk.row("The first of all").waitFor();
  assert.equal(await page.locator(".entry").count(), 53);
  assert.equal(await desk.row("Looked up a person").count(), 0);
  await desk.look("staff-what-was-done");
  // Chosen by hand, and by an address that somebody has sent.
  await page.getByRole("combobox", { name: "Show" }).selectOption({ label: "What is about a person, also what was read" });
  await page.getByRole("button", { name: "Apply" }).click();
  await desk.row("Looked up a person").first().waitFor();
  await desk.go("#/audit?userId=amara&actions=true");
  await desk.row("Wrote a note").first().waitFor();
  assert.equal(await desk.row("Looked up a person").count(), 0);
  await desk.close();
});

for (const [name, options, t, query, found] of [
  ["desk-light", { viewport: DESK }, en, "jonas W", "Jonas Weber"],
  // As a Mac writes it: 김민 in single letters.
  ["phone-dark-ko", { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" }, ko, "김민".normalize("NFD"), "김민아"],
]) {
  test(`people are found by the beginning of their name, by keyboard alone: ${name}`, async () => {
    const desk = await DeskWindow.signIn(browser, server, { ...options, place: "#/search" });
    const { page } = desk;
    const field = page.getByLabel(t.search.name, { exact: true });
    await field.press("Enter");
    await page.getByRole("alert").getByText(t.search.nameNeeded).waitFor();
    await desk.focused("#search-name");
    await field.fill("nobody is called so");
    await field.press("Enter");
    await page.getByRole("status").getByText(t.search.nothing("nobody is called so")).waitFor();
    await field.fill(query);
    await field.press("Enter");
    await desk.focused(".row.person");
    await page.getByRole("heading", { name: t.search.foundPeople(1, false) }).waitFor();
    await desk.look(`staff-people-${name}`);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: found, level: 1 }).waitFor();
    // On the way back it runs again, and the place is kept.
    await page.keyboard.press("Escape");
    await desk.focused(".row.person");
    assert.equal(await field.inputValue(), query);
    assert.ok(!(await page.evaluate(() => location.href)).includes("name"), "nothing of it is in the address");
    const [entry] = (await server.api("GET", "/audit?actorId=moderator&limit=20")).items.filter(({ action }) => action === "search_users");
    assert.equal(entry.details.name, query);
    await desk.close();
  });
}

test("people with the same beginning come in pages, by their names", async () => {
  for (let n = 0; n < 25; n += 1) await server.api("PUT", `/users/quokka-${n}`, { name: `Quokka ${String(n).padStart(2, "0")}` });
  await server.api("DELETE", "/users/quokka-7");
  const desk = await DeskWindow.signIn(browser, server, { place: "#/search" });
  const { page } = desk;
  await page.getByLabel(en.search.name, { exact: true }).fill("QUOKKA");
  await page.getByLabel(en.search.name, { exact: true }).press("Enter");
  await page.getByRole("heading", { name: "20+ people found" }).waitFor();
  await page.getByRole("button", { name: "Show more" }).press("Enter");
  await page.getByRole("heading", { name: "24 people found" }).waitFor();
  const names = await page.locator(".row.person strong").allTextContents();
  assert.deepEqual(names, [...names].sort());
  assert.ok(!names.includes("Quokka 07"), "an erased person is found by no name");
  await desk.close();
});
