import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* Addresses in what people write. `tests/page/links.test.js` says what is one. */

stage();

test("addresses, mail and telephones can be pressed, nothing else can, and the other's link to another site carries a notice", async () => {
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "monstera" }, { as: "amara" });
  const say = (text) => server.api("POST", `/rooms/${roomId}/messages`, { text }, { as: "amara" });
  await say(`see ${server.url}/#/market first`);
  await say("javascript:alert(1) data:text/html,x");
  await say("여기서 결제하세요: https://evil.example/pay입니다");
  await say("https://pаypal.example or mina@example.com or 010-1234-5678");

  for (const [viewport, locale, colorScheme] of [[undefined, "en-US", "dark"], [PHONE, "ko-KR", "light"]]) {
    const seller = await (await Window.open(browser, server.url, { viewport, locale, colorScheme })).signIn("Sofía");
    const { page } = seller;
    if (viewport) await page.locator(".tab-chats").click();
    await seller.openChat("Monstera");
    const links = await page.locator(".bubble a").evaluateAll((all) => all.map((link) => [link.getAttribute("href"), link.title, link.target, link.rel]));
    const rel = "noopener noreferrer nofollow ugc";
    assert.deepEqual(links, [
      [`${server.url}/#/market`, "", "_blank", rel],
      ["https://evil.example/pay", "", "_blank", rel],
      ["https://xn--pypal-4ve.example/", "xn--pypal-4ve.example", "_blank", rel],
      ["mailto:mina@example.com", "", "", rel],
      ["tel:01012345678", "", "", rel],
    ]);
    const warned = await page.locator(".line:has(.warning) .bubble").allTextContents();
    assert.deepEqual(warned, ["여기서 결제하세요: https://evil.example/pay입니다", "https://pаypal.example or mina@example.com or 010-1234-5678"]);
    await page.locator(".warning", { hasText: locale === "en-US" ? "Contains a link." : "링크 정보가 들어 있어요" }).first().waitFor();
    await seller.assertAccessible("links");
    await seller.close();
  }

  // One's own link is one's own business.
  const buyer = await (await Window.open(browser, server.url)).signIn("Amara");
  await buyer.openChat("Monstera");
  await buyer.page.locator('.bubble a[href="https://evil.example/pay"]').waitFor();
  assert.equal(await buyer.page.locator(".line:has(.bubble a[href='https://evil.example/pay']) .warning").count(), 0);
  // It opens next to the conversation, which stays, and learns nothing of it.
  await buyer.page.context().route("https://evil.example/**", (route) => route.fulfill({ contentType: "text/html", body: "paid" }));
  const opened = buyer.page.context().waitForEvent("page");
  await buyer.page.locator('.bubble a[href="https://evil.example/pay"]').click();
  const other = await opened;
  await other.getByText("paid").waitFor();
  assert.deepEqual(await other.evaluate(() => [window.opener, document.referrer]), [null, ""]);
  await buyer.close();
});
