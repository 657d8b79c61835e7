import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";
import { HostSite } from "./support/host.js";

/* The dialogs of a conversation are loaded when the first one is opened: here in a page of another origin, under its own policy. */

const MODULE = "**/components/ui/asked_dialog.js";

let server;
let site;
let browser;

before(async () => {
  site = await HostSite.start({ chat: () => server.url, tokenOf: (user) => server.tokenOf(user) });
  [server, browser] = await Promise.all([DemoServer.start({ HAGGLE_ALLOWED_ORIGIN: site.url }), launchBrowser()]);
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

/** One of Jonas's conversations, and the paths of all requests of its page. */
async function openRoom() {
  const asked = [];
  const window = await Window.open(browser, site.page({ user: "jonas", body: "<p></p>" }));
  window.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await window.page.goto(site.page({ user: "jonas" }));
  await window.openChat("Steel touring bike");
  return { window, page: window.page, asked };
}

const offer = (page) => page.getByRole("button", { name: "Offer", exact: true });
const isOfferFocused = () => focused()?.textContent.includes("Offer") && focused().getAttribute("aria-haspopup") === "dialog";

test("a conversation loads no dialog, and the first click opens one although it is still being loaded", async () => {
  const { window, page, asked } = await openRoom();
  await page.waitForLoadState("networkidle");
  assert.ok(asked.some((path) => path.endsWith("/ui/conversation.js")));
  const dialogs = () => asked.filter((path) => /asked_dialog|offer_dialog|report_dialog|phrases_dialog|gallery|\/dialogs?\.js|amount/.test(path));
  assert.deepEqual(dialogs(), []);

  let answer;
  const held = new Promise((resolve) => (answer = resolve));
  await page.route(MODULE, async (route) => {
    await held;
    await route.continue();
  });
  await offer(page).click();
  await page.locator(".conversation[data-opening]").waitFor();
  await page.getByRole("status").getByText("Loading…").waitFor({ state: "attached" });
  await window.until(isOfferFocused);
  // An impatient second click opens no second dialog.
  await offer(page).click();
  answer();
  await page.getByRole("dialog", { name: "Make an offer" }).waitFor();
  await page.locator(".conversation[data-opening]").waitFor({ state: "detached" });
  assert.equal(await page.locator("dialog").count(), 1);
  await window.until(() => focused()?.closest("dialog"));
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await window.until(isOfferFocused);
  // Each module is requested once, by an address that changes with its content.
  assert.ok(dialogs().length > 5 && dialogs().every((path) => /^\/embed\/~\w+\/components\//.test(path)), `${dialogs()}`);
  await page.getByRole("button", { name: "Saved phrases" }).click();
  await page.getByRole("menuitem", { name: "Edit the phrases" }).click();
  await page.getByRole("dialog", { name: "Saved phrases" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await window.until(() => focused()?.getAttribute("aria-label") === "Saved phrases");
  assert.equal(new Set(dialogs()).size, dialogs().length);
  await window.close();
});

test("a dialog that can't be loaded is an error in words, and the next click opens it", async () => {
  const { window, page } = await openRoom();
  await page.route(MODULE, (route) => route.abort());
  await offer(page).click();
  const alert = page.getByRole("alert");
  await alert.getByText("That did not work. Please try again.").waitFor();
  await window.until(isOfferFocused);
  assert.equal(await page.locator("dialog").count(), 0);
  await window.look("dialog-failed-desk");
  await page.unroute(MODULE);
  await offer(page).click();
  await page.getByRole("dialog", { name: "Make an offer" }).waitFor();
  await alert.waitFor({ state: "detached" });
  await page.keyboard.press("Escape");

  // Without a network it says that, until there is one again.
  const other = await openRoom();
  await other.page.context().setOffline(true);
  await offer(other.page).click();
  await other.page.getByRole("alert").getByText("There is no connection right now.").waitFor();
  await other.page.context().setOffline(false);
  await other.page.getByRole("alert").waitFor({ state: "detached" });
  await offer(other.page).click();
  await other.page.getByRole("dialog", { name: "Make an offer" }).waitFor();
  other.window.forgiveLostConnections();
  await other.window.close();

  window.faults = window.faults.filter((fault) => !/ERR_FAILED/.test(fault));
  await window.close();
});
