import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, server, stage } from "./support/stage.js";
import { languages } from "./support/strings.js";
import { DESK, PHONE, Window } from "./support/browser.js";

/* The whole way of a deal in one go, on either wire, in both languages, on phone and desk, dark and light. */

stage();

const phoneKo = { viewport: PHONE, locale: "ko-KR", colorScheme: "light" };
const deskEn = { viewport: DESK, locale: "en-US", colorScheme: "dark" };

for (const { wire, buyerName, product, buyerLooks, sellerLooks } of [
  { wire: "socketIo", buyerName: "Amara Okafor", product: "Belt-drive turntable, walnut plinth", buyerLooks: phoneKo, sellerLooks: deskEn },
  { wire: "plain", buyerName: "Jonas Weber", product: "X100 compact camera, silver", buyerLooks: deskEn, sellerLooks: phoneKo },
]) {
  test(`over ${wire}, from 'chat with the seller' to an accepted offer, a picture, a tunnel, a sold product and a block`, async () => {
    const buyer = await (await Window.open(browser, server.url, { ...buyerLooks, wire })).signIn(buyerName);
    const seller = await (await Window.open(browser, server.url, { ...sellerLooks, wire })).signIn("박준호");
    const [forBuyer, forSeller] = [buyerLooks, sellerLooks].map(({ locale }) => languages[locale.slice(0, 2)]);
    const both = [[buyer, forBuyer, "buyer"], [seller, forSeller, "seller"]];
    const look = async (state) => {
      for (const [window, , who] of both) await window.look(`way-${state}-${who}-${wire}`);
    };
    const dialog = ({ page }) => page.locator("dialog[open]");
    const say = async (window, text) => {
      await window.composer.fill(text);
      await window.page.locator(".send").click();
    };

    // Chat with the seller.
    await buyer.page.getByRole("button", { name: forBuyer.chatAbout(forBuyer.chatWithSeller, product) }).click();
    await buyer.page.locator(".history[aria-busy=false]").waitFor();
    await say(buyer, "안녕하세요, is it still there?");
    if (sellerLooks === phoneKo) await seller.page.locator(".tab-chats").click();
    await seller.page.locator(".inbox-row", { hasText: product }).filter({ hasText: buyerName }).click();
    await seller.message("안녕하세요, is it still there?").waitFor();
    await buyer.message("안녕하세요, is it still there?", "read").getByText(forBuyer.delivery.read).waitFor();

    // An offer, and its acceptance.
    await buyer.page.getByRole("button", { name: forBuyer.offer.short, exact: true }).click();
    await dialog(buyer).locator("input").fill("160,000");
    await dialog(buyer).getByRole("button", { name: forBuyer.offer.send }).click();
    await seller.page.locator(".offer[data-status=pending]").getByText("₩160,000").waitFor();
    await look("offer");
    await seller.page.getByRole("button", { name: forSeller.offer.accept, exact: true }).click();
    await dialog(seller).getByRole("button", { name: forSeller.offer.accept }).click();
    for (const [window, t] of both) {
      await window.page.locator(".offer[data-status=accepted]").getByText(t.offer.status.accepted).waitFor();
      await window.page.locator(".system", { hasText: t.notices.product_status({ status: "reserved" }) }).waitFor();
    }
    await buyer.page.getByText(forBuyer.statusHint.reservedForYou).waitFor();
    await seller.page.getByText(forSeller.statusHint.reservedFor(buyerName)).waitFor();

    // A picture, and in full.
    const chooser = buyer.page.waitForEvent("filechooser");
    await buyer.page.getByRole("button", { name: forBuyer.image.add }).click();
    await (await chooser).setFiles({ name: "계약.png", mimeType: "image/png", buffer: await drawing(buyer.page) });
    await buyer.page.getByRole("button", { name: forBuyer.send, exact: true }).click();
    const thumbnail = seller.page.getByRole("button", { name: forSeller.image.enlarge(forSeller.image.alt(buyerName)) });
    await thumbnail.click();
    await seller.until(() => all(".gallery[open] img")[0]?.naturalWidth > 0);
    await seller.look(`way-lightbox-seller-${wire}`);
    await seller.page.keyboard.press("Escape");
    await seller.page.locator(".gallery").waitFor({ state: "detached" });
    await seller.until(() => focused()?.matches(".image"));

    // Into a tunnel and out again.
    await buyer.page.context().setOffline(true);
    await buyer.page.getByText(forBuyer.offlineBanner).waitFor();
    await say(seller, "See you at six");
    await seller.message("See you at six", "sent").waitFor();
    await say(buyer, "I am on my way");
    await buyer.message("I am on my way", "sending").getByText(forBuyer.delivery.sending).waitFor();
    await look("tunnel");
    await buyer.page.context().setOffline(false);
    await buyer.message("I am on my way", "read").waitFor();
    await buyer.message("See you at six").waitFor();
    await buyer.banner.waitFor({ state: "detached" });
    assert.deepEqual(await buyer.texts(), await seller.texts());
    buyer.forgiveLostConnections();

    // Sold.
    await seller.page.locator(".status-button").click();
    await seller.page.getByRole("menuitemradio", { name: forSeller.setStatus.sold }).click();
    await buyer.page.getByText(forBuyer.offer.bought("₩160,000")).waitFor();
    await seller.page.getByText(forSeller.offer.soldTo(buyerName, "₩160,000")).waitFor();
    for (const [window, t] of both) {
      await window.page.locator(".system", { hasText: t.notices.product_status({ status: "sold" }) }).waitFor();
      await window.page.locator(".product-strip .status-sold").waitFor();
      assert.equal(await window.page.getByRole("button", { name: t.offer.short, exact: true }).count(), 0);
    }
    await look("sold");

    // And enough of each other.
    await buyer.page.getByRole("button", { name: forBuyer.conversationMenu, exact: true }).click();
    await buyer.page.getByRole("menuitem", { name: forBuyer.block("박준호") }).click();
    await dialog(buyer).getByRole("button", { name: forBuyer.blockDo, exact: true }).click();
    for (const [window, t] of both) {
      await window.page.getByText(t.closed).waitFor();
      assert.equal(await window.composer.count(), 0);
    }
    await look("closed");
    await Promise.all([buyer.close(), seller.close()]);
  });
}

/** A picture with something to see, as bytes of a PNG. */
async function drawing(page) {
  const drawn = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const paint = canvas.getContext("2d");
    const sky = paint.createLinearGradient(0, 0, 640, 480);
    sky.addColorStop(0, "#f4b860");
    sky.addColorStop(1, "#0f6b54");
    paint.fillStyle = sky;
    paint.fillRect(0, 0, 640, 480);
    return canvas.toDataURL("image/png").split(",")[1];
  });
  return Buffer.from(drawn, "base64");
}
