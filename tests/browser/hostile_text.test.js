import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* Text from people is never markup, wherever it is shown, and the page may run nothing but its own files. */

/** Each place has a text of its own, so that a failure says which one. */
const hostile = (place) => `<img src=x onerror="document.title='owned by ${place}'"><b>${place}</b> &amp; ${"${1+1}"} javascript:alert(1)`;

stage();

/** Nothing became an element, ran, or was asked for. */
async function assertHarmless({ page }, place) {
  const found = await page.evaluate(() => all(":is(body, .frame) :is(b, script:not([src]), iframe, img)").filter((element) => element.localName !== "img" || !/^(\/pictures\/|blob:|\/api\/v1\/images\/)/.test(element.getAttribute("src") ?? "")).map(({ outerHTML }) => outerHTML));
  assert.deepEqual(found, [], place);
  assert.doesNotMatch(await page.title(), /owned/, place);
}

test("names, titles, messages, previews, hits, notices and drafts show markup as text", async () => {
  const [name, title] = [hostile("name"), hostile("title")];
  await server.api("PUT", "/users/mallory", { name });
  await server.api("PUT", "/products/trap", { sellerId: "mallory", title, price: 100, currency: "USD" });
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "trap", buyerId: "jonas" });
  await server.api("POST", `/rooms/${roomId}/messages`, { text: hostile("notice") });
  await server.api("POST", `/rooms/${roomId}/messages`, { text: hostile("message") }, { as: "mallory" });

  for (const viewport of [undefined, PHONE]) {
    const window = await Window.open(browser, server.url, { viewport });
    const { page } = window;
    await page.locator(".person", { hasText: name }).waitFor();
    await page.locator(".person-note", { hasText: title }).waitFor();
    await assertHarmless(window, "the sign-in");

    await window.signIn("Jonas");
    await page.locator(".product", { hasText: title }).getByText(name).waitFor();
    await assertHarmless(window, "the market");
    if (viewport) await page.locator(".tab-chats").click();
    const row = page.locator(".inbox-row", { hasText: title });
    await row.filter({ hasText: name }).filter({ hasText: "owned by" }).waitFor();
    await assertHarmless(window, "the inbox");

    await page.getByRole("searchbox").fill("onerror");
    await page.locator(".found", { hasText: "owned by message" }).waitFor();
    assert.ok((await page.locator("mark").count()) > 0);
    await assertHarmless(window, "the search");
    await page.getByRole("searchbox").fill("<b>nobody wrote this");
    await page.getByText("Nothing found for “<b>nobody wrote this”").waitFor();
    await assertHarmless(window, "a search for markup");
    await page.keyboard.press("Escape");

    await row.click();
    await page.locator(".history[aria-busy=false]").waitFor();
    await window.message(hostile("message")).waitFor();
    await page.locator(".system", { hasText: hostile("notice") }).waitFor();
    await page.getByRole("heading", { name }).waitFor();
    await page.locator(".product-strip-title", { hasText: title }).waitFor();
    assert.equal(await window.composer.getAttribute("placeholder"), `Message ${name}`);
    await assertHarmless(window, "the conversation");
    await window.look(`hostile-${viewport ? "phone" : "desk"}`);

    const own = hostile(viewport ? "own phone" : "own desk");
    await window.send(own);
    await window.message(own, "sent").waitFor();
    await page.getByRole("button", { name: "Conversation options", exact: true }).click();
    await page.getByRole("menuitem", { name: `Block ${name}` }).click();
    await page.getByRole("heading", { name: `Block ${name}?` }).waitFor();
    await assertHarmless(window, "a dialog");
    await page.keyboard.press("Escape");

    // What arrives live: the announcement, the preview, the bubble.
    await server.api("POST", `/rooms/${roomId}/messages`, { text: hostile("live") }, { as: "mallory" });
    await window.message(hostile("live")).first().waitFor();
    await page.locator("[aria-live=polite]", { hasText: hostile("live") }).waitFor({ state: "attached" });
    await assertHarmless(window, "a live message");
    await page.locator(".line", { hasText: "owned by live" }).last().locator(".line-menu").evaluate((button) => button.click());
    await page.getByRole("menuitem", { name: "Report this message" }).click();
    await page.locator("dialog[open]").waitFor();
    await assertHarmless(window, "a report");
    await window.close();
  }
});

test("text that runs from right to left, or turns around on purpose, leaves the page's own words alone", async () => {
  await server.api("PUT", "/users/rtl", { name: "محمد القحطاني" });
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "brass-lamp", buyerId: "rtl" });
  await server.api("POST", `/rooms/${roomId}/messages`, { text: "هل المصباح متاح؟ (abc)" }, { as: "rtl" });
  const window = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Sofía");
  const { page } = window;
  await window.openChat("محمد");
  const bubble = page.locator(".bubble").first();
  assert.equal(await bubble.evaluate((element) => getComputedStyle(element).direction), "rtl");
  // The name is cut at its own end, and stands where every other name stands.
  const heading = page.locator("#conversation-title");
  assert.deepEqual(await heading.evaluate((element) => [getComputedStyle(element).direction, getComputedStyle(element).textAlign]), ["rtl", "left"]);
  await window.send("a \u202Eb");
  await page.locator(".back").click();
  const last = page.locator(".inbox-row", { hasText: "محمد" }).locator(".inbox-last");
  await last.filter({ hasText: "You:" }).waitFor();
  assert.equal(await last.textContent(), "You: \u2068a \u202Eb\u2069");
  await window.look("right-to-left-phone");
  await window.close();
});

test("the policy allows no inline script, no markup from text and no other server", async () => {
  const response = await fetch(server.url);
  const policy = response.headers.get("content-security-policy");
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const { page } = await Window.open(browser, server.url);
  await page.locator(".person").first().waitFor();
  const refused = await page.evaluate(async () => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => violations.push(violatedDirective));
    const inline = document.createElement("script");
    try {
      inline.textContent = "document.title = 'owned'";
    } catch {
      violations.push("text of a script");
    }
    document.head.append(inline);
    try {
      document.body.insertAdjacentHTML("beforeend", "<i id=owned></i>");
    } catch {
      violations.push("markup from text");
    }
    await fetch("https://example.com/").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve));
    return { violations, title: document.title, markup: Boolean(document.getElementById("owned")) };
  });
  assert.equal(refused.title, "haggle");
  assert.equal(refused.markup, false);
  for (const expected of ["text of a script", "markup from text", "connect-src"]) assert.ok(refused.violations.includes(expected), `${expected} in ${refused.violations}`);
  await page.context().close();
});
