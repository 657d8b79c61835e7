import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, Window } from "./support/browser.js";
import { choose, picture } from "./support/picture.js";
import { browser, server, stage } from "./support/stage.js";

/* What the page offers only where the server does. */

let schemas;

stage({}, async () => {
  const document = await (await fetch(`${server.url}/api/v1/openapi.json`)).json();
  schemas = document.components.schemas;
});

test("what the server lacks is not offered", async () => {
  const window = await Window.open(browser, server.url);
  const { page } = window;
  await page.route("**/api/v1/features", (route) => route.fulfill({ json: { protocols: ["haggle.v1"], features: ["offers"] } }));
  const answered = page.waitForResponse("**/api/v1/features");
  await window.signIn("김민아");
  await answered;
  await window.openChat("Brass desk lamp");
  await window.send("Is it heavy?");
  await window.message("Is it heavy?", "sent").waitFor();
  const search = page.getByRole("searchbox");
  const addPicture = page.getByRole("button", { name: "Add a picture" });
  assert.deepEqual([await search.count(), await addPicture.count()], [0, 0]);

  await page.unroute("**/api/v1/features");
  await page.reload();
  await search.waitFor();
  await addPicture.waitFor();
  await window.close();
});

for (const [device, viewport, colorScheme] of [["desk", DESK, "light"], ["phone", PHONE, "dark"]]) {
  test(`a search marks its hits and leads to the message, on a ${device}`, async () => {
    const window = await (await Window.open(browser, server.url, { viewport, colorScheme })).signIn("김민아");
    const { page } = window;
    if (device === "phone") await page.locator(".tab-chats").click();
    const box = page.getByRole("searchbox", { name: "Search people, things and messages" });
    await box.fill("cord");
    await page.locator("mark").first().waitFor();
    assert.deepEqual([...new Set(await page.locator("mark").allTextContents())], ["cord"]);
    assert.equal(await page.locator(".found").count(), 2);
    await window.look(`search-${device}-${colorScheme}`);

    await box.fill("<img");
    await page.getByText("Nothing found for “<img”").waitFor();
    await box.fill("찍");
    await page.locator("mark", { hasText: "찍" }).first().waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await box.inputValue(), "");
    await page.locator(".inbox-row:not(.found)").first().waitFor();

    await box.fill("original cord");
    await page.locator(".found", { hasText: "lovely lamp" }).click();
    await page.locator('.line.sought[data-seq="1"]').waitFor();
    assert.equal(await page.locator("#conversation-title").textContent(), "Sofía Herrera");
    await window.close();
  });
}

test("the same hit leads to its message each time, by the demo's links and by the element's own buttons", async () => {
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "monstera" }, { as: "amara" });
  for (let line = 1; line <= 40; line += 1) await server.api("POST", `/rooms/${roomId}/messages`, { text: line === 2 ? "a marmalade" : `line ${line}` }, { as: "amara" });
  const window = await (await Window.open(browser, server.url)).signIn("Amara");
  const { page } = window;
  await page.getByRole("searchbox").fill("marmalade");
  const hit = page.locator(".found");
  const sought = page.locator('.line.sought[data-seq="2"]');
  const isInSight = () => sought.evaluate((line) => line.getBoundingClientRect().top > line.closest(".history").getBoundingClientRect().top);
  for (const links of [true, false]) {
    if (!links) await page.evaluate(() => (all("haggle-messenger")[0].hrefFor = undefined));
    for (let time = 1; time <= 3; time += 1) {
      await hit.click();
      await sought.waitFor();
      await window.until(() => {
        const line = all('.line[data-seq="2"]')[0];
        return line.getBoundingClientRect().top >= line.closest(".history").getBoundingClientRect().top;
      });
      assert.equal(await isInSight(), true);
      // To the end, and back by the same hit.
      await page.locator(".to-end").click();
      await page.locator(".to-end").waitFor({ state: "detached" });
      assert.equal(await isInSight(), false);
    }
  }
  await window.close();
});

test("a picture is previewed, sent with its progress, and seen by the other", async () => {
  const buyer = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("김민아");
  const seller = await (await Window.open(browser, server.url)).signIn("Sofía");
  await buyer.page.locator(".tab-chats").click();
  await buyer.openChat("Brass desk lamp");
  await seller.openChat("Brass desk lamp");

  await choose(buyer, { name: "not-a-picture.png", mimeType: "image/png", buffer: Buffer.from("<img onerror>") });
  await buyer.page.getByRole("button", { name: "Send", exact: true }).click();
  await buyer.page.getByText("This is no picture that we can read").waitFor();
  // Chromium logs every refused request as an error.
  buyer.faults = buyer.faults.filter((fault) => !/status of 422/.test(fault));
  await buyer.page.getByRole("button", { name: "Remove the picture" }).click();

  await choose(buyer, await picture(buyer, "lamp.png", 800, 600));
  let release;
  const looked = new Promise((resolve) => (release = resolve));
  await buyer.page.route("**/images", async (route) => {
    await looked;
    await route.continue();
  });
  await buyer.page.getByRole("button", { name: "Send", exact: true }).click();
  await buyer.page.locator(".chosen progress").waitFor();
  await buyer.look("image-sending-phone");
  release();
  await buyer.page.locator(".chosen").waitFor({ state: "detached" });
  for (const [window, name] of [[buyer, "Your picture"], [seller, "Picture from 김민아"]]) {
    const picture = window.page.getByRole("img", { name });
    await picture.waitFor();
    await window.until(() => all(".image img").every((image) => image.complete && image.naturalWidth > 0));
  }
  await seller.page.locator(".inbox-row[aria-current]").getByText("Picture").waitFor();
  await buyer.look("image-phone");
  await seller.look("image-desk");
  await Promise.all([buyer.close(), seller.close()]);
});

test("a message with a way around the marketplace carries a notice, for both", async (t) => {
  if (!schemas.StoredMessage?.properties?.warnings) return t.skip("this server looks for no contacts");
  const buyer = await (await Window.open(browser, server.url, { locale: "ko-KR", viewport: PHONE, colorScheme: "dark" })).signIn("김민아");
  const seller = await (await Window.open(browser, server.url)).signIn("박준호");
  await buyer.page.locator(".tab-chats").click();
  await buyer.openChat("X100");
  await seller.openChat("X100");
  await buyer.send("010-1234-5678로 연락 주세요");
  await buyer.page.getByText("전화번호 정보를 보냈어요").waitFor();
  await seller.page.getByText("Contains a phone number.").waitFor();
  await buyer.look("warning-phone-dark-ko");
  await seller.look("warning-desk");
  await Promise.all([buyer.close(), seller.close()]);
});
