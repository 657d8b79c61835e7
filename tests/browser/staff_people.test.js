import assert from "node:assert/strict";
import { test } from "node:test";
import { DeskWindow } from "./support/desk.js";
import { browser, server, stage } from "./support/stage.js";

/* What the desk knows of a person: what was done about them. */

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
