import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* Where one begins to read: at what was unread when the room was entered this time. */

stage({ HAGGLE_MAX_REQUESTS_PER_SECOND: "0" });

const say = (roomId, text) => server.api("POST", `/rooms/${roomId}/messages`, { text }, { as: "amara" });
const line = (window) => window.page.locator(".new-mark");
/** The text right below the line. */
const firstBelow = (window) => line(window).evaluate((mark) => mark.nextElementSibling.querySelector(".bubble").textContent);

test("the line stands where this visit's unread messages begin, with their number, and not where an earlier visit's did", async () => {
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "monstera" }, { as: "amara" });
  await say(roomId, "first visit");
  const seller = await (await Window.open(browser, server.url)).signIn("Sofía");
  await seller.openChat("Monstera");
  await line(seller).getByText("1 new message").waitFor();
  assert.equal(await firstBelow(seller), "first visit");
  // What arrives under one's eyes is not counted, and moves nothing.
  await say(roomId, "live");
  await seller.message("live").waitFor();
  assert.deepEqual([await line(seller).textContent(), await firstBelow(seller)], ["1 new message", "first visit"]);

  await seller.openChat("Brass desk lamp");
  for (const text of ["second visit", "and more", "and the rest"]) await say(roomId, text);
  await seller.page.locator(".inbox-row", { hasText: "Monstera" }).getByText("and the rest").waitFor();
  await seller.openChat("Monstera");
  await line(seller).getByText("3 new messages").waitFor();
  assert.equal(await firstBelow(seller), "second visit");

  // Nothing came since: no line.
  await seller.openChat("Brass desk lamp");
  await seller.openChat("Monstera");
  await seller.send("All read");
  await seller.message("All read", "sent").waitFor();
  assert.equal(await line(seller).count(), 0);
  await seller.close();
});

test("with more than a page unread, the line is in view at their beginning, and the pill counts them and leads to the end", async () => {
  await server.api("PUT", "/products/long-talk", { sellerId: "sofia", title: "Long talk" });
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "long-talk" }, { as: "amara" });
  for (let count = 1; count <= 20; count += 1) await say(roomId, `read ${count}`);
  await server.api("PUT", `/rooms/${roomId}/read`, { seq: 20 }, { as: "sofia" });
  for (let count = 1; count <= 130; count += 1) await say(roomId, `unread ${count}`);
  const seller = await (await Window.open(browser, server.url, { viewport: PHONE })).signIn("Sofía");
  const { page } = seller;
  await page.locator(".tab-chats").click();
  await seller.openChat("Long talk");
  await line(seller).getByText("130 new messages").waitFor();
  assert.equal(await firstBelow(seller), "unread 1");
  const [top, height] = await line(seller).evaluate((mark) => {
    const { top, height } = mark.closest(".history").getBoundingClientRect();
    return [mark.getBoundingClientRect().top - top, height];
  });
  assert.ok(top >= 0 && top < height / 4, `${top} px from the top of ${height}`);
  // Only what was seen is read.
  const { unread } = (await server.api("GET", "/rooms", undefined, { as: "sofia" })).items.find(({ id }) => id === roomId);
  assert.equal(unread, 130);

  await seller.assertAccessible("the line above what is unread");
  await page.getByRole("button", { name: "130 new messages" }).click();
  await seller.message("unread 130").waitFor();
  await page.locator(".to-end").waitFor({ state: "detached" });
  assert.deepEqual((await seller.texts()).slice(-130), Array.from({ length: 130 }, (_, index) => `unread ${index + 1}`));
  await seller.close();
});
