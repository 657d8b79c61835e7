import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { bring, choose, picture } from "./support/picture.js";
import { browser, server, stage } from "./support/stage.js";

/* Pictures: chosen, dropped and pasted, in the history, and in full. */

stage({ HAGGLE_MAX_IMAGE_BYTES: "4194304" });

const chosen = ({ page }) => page.locator(".chosen li");
const send = ({ page }) => page.getByRole("button", { name: "Send", exact: true }).click();

test("several pictures are chosen, dropped and pasted, and sent in their order, with the words at the last one", async () => {
  const buyer = await (await Window.open(browser, server.url, { colorScheme: "dark" })).signIn("Jonas");
  const { page } = buyer;
  await buyer.openChat("Steel touring bike");
  await choose(buyer, await picture(buyer, "a.png", 400, 300), await picture(buyer, "b.png", 300, 400));
  await chosen(buyer).nth(1).waitFor();

  const dropped = await picture(buyer, "c.png", 500, 300);
  await bring(buyer, ".bubble", "dragover", dropped);
  await page.getByText("Drop pictures here").waitFor();
  await buyer.look("drop-desk-dark");
  await bring(buyer, ".bubble", "drop", dropped);
  await page.getByText("Drop pictures here").waitFor({ state: "detached" });
  await bring(buyer, ".composer textarea", "paste", await picture(buyer, "d.png", 300, 300));
  await chosen(buyer).nth(3).waitFor();
  await page.getByRole("button", { name: "Remove the picture: b.png" }).click();
  assert.deepEqual(await chosen(buyer).locator("img").evaluateAll((images) => images.map(({ alt }) => alt)), ["a.png", "c.png", "d.png"]);

  await buyer.composer.fill("As you asked: the bike from all sides");
  await buyer.look("pictures-chosen-desk-dark");
  await buyer.composer.press("Enter");
  await page.locator(".chosen").waitFor({ state: "detached" });
  assert.equal(await buyer.composer.inputValue(), "");
  const { items } = await server.api("GET", `/rooms/room-jonas-bike/messages`, undefined, { as: "jonas" });
  const sent = items.filter(({ kind }) => kind === "image").map(({ text, data }) => [text, data.width, data.height]);
  assert.deepEqual(sent, [[undefined, 400, 300], [undefined, 500, 300], ["As you asked: the bike from all sides", 300, 300]]);
  await buyer.close();
});

test("a file that is refused is named with the reason, and takes nothing else along", async () => {
  const buyer = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Jonas");
  const { page } = buyer;
  await page.locator(".tab-chats").click();
  await buyer.openChat("Walnut lounge chair");
  const large = { name: "large.jpg", mimeType: "image/jpeg", buffer: Buffer.alloc(4_194_305) };
  await choose(buyer, { name: "notes.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF") }, large, await picture(buyer, "fine.png", 300, 200));
  await page.getByRole("alert").filter({ hasText: "notes.pdf" }).getByText("This is no picture that we can read").waitFor();
  await page.getByRole("alert").filter({ hasText: "large.jpg" }).getByText("This picture is larger than 4 MB.").waitFor();
  assert.equal(await chosen(buyer).count(), 1);

  // The server refuses one: it is named, the words stay, and both go with the next attempt.
  await page.route("**/images", (route) => route.fulfill({ status: 413, contentType: "application/problem+json", json: { code: "too_large", title: "too large", status: 413 } }));
  await buyer.composer.fill("What do you think?");
  await send(buyer);
  await page.getByRole("alert").filter({ hasText: "fine.png" }).getByText("This picture is too large.").waitFor();
  assert.equal(await buyer.composer.inputValue(), "What do you think?");
  await buyer.assertAccessible("a refused picture");
  await page.unroute("**/images");
  await send(buyer);
  await page.locator(".chosen").waitFor({ state: "detached" });
  await buyer.message("What do you think?").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  // Chromium logs every refused request as an error.
  buyer.faults = buyer.faults.filter((fault) => !/status of 413/.test(fault));
  await buyer.close();
});

for (const [name, options] of [["desk", {}], ["phone", { viewport: PHONE }]]) {
  test(`pictures stand at the edge and are as sharp as the screen, on a ${name}`, async () => {
    const window = await (await Window.open(browser, server.url, options)).signIn("김민아");
    const { page } = window;
    if (name === "phone") await page.locator(".tab-chats").click();
    await window.openChat("X100");
    await choose(window, await picture(window, "wide.png", 1600, 900), await picture(window, "tall.png", 900, 1800));
    await chosen(window).nth(1).waitFor();
    await send(window);
    await page.locator(".chosen").waitFor({ state: "detached" });
    await page.locator(".image").nth(1).waitFor();
    await window.until(() => all(".image img").every((image) => image.complete && image.naturalWidth > 0));
    const shown = await page.locator(".image").evaluateAll((pictures) =>
      pictures.slice(-2).map((picture) => {
        const image = picture.firstElementChild;
        const { right, width, height } = image.getBoundingClientRect();
        const edge = picture.closest(".group-lines").getBoundingClientRect().right;
        return { offEdge: Math.round(edge - right), ratio: (width / height).toFixed(1), thumbnail: image.currentSrc === image.src };
      }),
    );
    // Of 320 pixels, which is enough where a pixel of the page is one of the screen, and blurred where it is four of them.
    const thumbnail = name === "desk";
    assert.deepEqual(shown, [
      { offEdge: 0, ratio: "1.8", thumbnail },
      { offEdge: 0, ratio: "0.5", thumbnail },
    ]);
    await window.close();
  });
}

test("in full, a picture fits into the window, the arrows lead to the others, and it can be enlarged and downloaded", async () => {
  const window = await (await Window.open(browser, server.url)).signIn("Priya");
  const { page } = window;
  await window.openChat("Parlour guitar");
  await choose(window, await picture(window, "first.png", 1400, 1000), await picture(window, "second.png", 500, 1200));
  await chosen(window).nth(1).waitFor();
  await window.composer.fill("From the other side");
  await send(window);
  await page.locator(".chosen").waitFor({ state: "detached" });
  const thumbnails = page.locator(".image");
  await thumbnails.nth(1).waitFor();

  await thumbnails.first().click();
  const gallery = page.locator(".gallery[open]");
  const inFull = () => gallery.locator("img").evaluate(async (image) => {
    await image.decode();
    const { left, top, right, bottom } = image.getBoundingClientRect();
    return { width: image.naturalWidth, fits: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight };
  });
  for (const viewport of [{ width: 1280, height: 800 }, { width: 844, height: 390 }, PHONE]) {
    await page.setViewportSize(viewport);
    assert.deepEqual(await inFull(), { width: 1400, fits: true }, JSON.stringify(viewport));
  }
  await window.look("gallery-phone");
  await page.keyboard.press("ArrowRight");
  await gallery.getByRole("heading", { name: "Your picture 2 / 2" }).waitFor();
  await gallery.getByText("From the other side").waitFor();
  assert.deepEqual(await inFull(), { width: 500, fits: true });
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  await gallery.getByRole("heading", { name: "Your picture 1 / 2" }).waitFor();

  await gallery.getByRole("button", { name: "Enlarge further" }).click();
  assert.equal((await inFull()).fits, false);
  await gallery.locator("img").click();
  assert.equal((await inFull()).fits, true);
  const download = page.waitForEvent("download");
  await gallery.getByRole("link", { name: "Download" }).click();
  assert.match((await download).suggestedFilename(), /\.(jpg|png)$/);
  await page.keyboard.press("Escape");
  await gallery.waitFor({ state: "detached" });
  await window.until(() => focused()?.matches(".image"));
  await window.close();
});
