/*
 * Takes the pictures of the README and of docs/staff.md again: `node readme_images.js`, then look at docs/images and commit them.
 * They want fonts for Korean and emoji (Debian: fonts-noto-cjk, fonts-noto-color-emoji).
 */
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launchBrowser, Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";
import { DeskWindow } from "./support/desk.js";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));
await mkdir(IMAGES, { recursive: true });
const server = await DemoServer.start();
const browser = await launchBrowser();

/** A screenshot in few colours: flat drawings and text lose nothing by it. */
async function take({ page }, name) {
  await page.mouse.move(2, 2);
  await page.evaluate(() => focused()?.blur?.());
  await page.waitForLoadState("networkidle");
  const path = `${IMAGES}${name}.png`;
  await page.screenshot({ path });
  execFileSync("convert", [path, "+dither", "-colors", "200", "-strip", "-define", "png:compression-level=9", path]);
}

const offer = async (roomId, as, amount, currency) => server.api("POST", `/rooms/${roomId}/offers`, { amount, currency }, { as });
const say = (roomId, as, text) => server.api("POST", `/rooms/${roomId}/messages`, { text }, { as });

// The seller's desk: a second buyer, and an offer that waits for an answer.
await say("room-jonas-bike", "jonas", "It rides like a dream 😊 Would you take a little less?");
await offer("room-jonas-bike", "jonas", 60000, "USD");
const { id: second } = await server.api("POST", "/rooms", { productId: "touring-bike" }, { as: "mina" });
await say(second, "mina", "Hi! Is the bike still there?");
const { id: third } = await server.api("POST", "/rooms", { productId: "parlour-guitar" }, { as: "jonas" });
await say(third, "jonas", "Does it come with a case?");
const seller = await (await Window.open(browser, server.url, { viewport: { width: 1180, height: 760 } })).signIn("Priya");
const buyer = await (await Window.open(browser, server.url)).signIn("Jonas");
await buyer.openChat("Steel touring bike");
await seller.page.locator(".inbox-row", { hasText: "Jonas" }).filter({ hasText: "bike" }).click();
await seller.page.locator(".offer-actions").waitFor();
await seller.page.locator(".conversation-state[data-online]").waitFor();
await seller.page.locator(".inbox-row[aria-current] .badge").waitFor({ state: "detached" });
await take(seller, "desk");

// The buyer's phone: accepted, and the other one is writing.
const made = await offer("room-mina-camera", "mina", 930000, "KRW");
const [phone, answering] = await Promise.all([
  Window.open(browser, server.url, { viewport: { width: 390, height: 780 }, colorScheme: "dark", locale: "ko-KR" }),
  Window.open(browser, server.url),
]);
await phone.signIn("김민아");
await answering.signIn("박준호");
await phone.page.locator(".tab-chats").click();
await phone.openChat("X100");
await answering.openChat("X100");
await server.api("POST", `/rooms/room-mina-camera/offers/${made.id}/answer`, { answer: "accept" }, { as: "junho" });
await phone.page.locator(".offer[data-status=accepted]").waitFor();
await answering.composer.pressSequentially("네, 좋");
await phone.page.locator(".typing-dots").waitFor();
await take(phone, "phone");

// The staff's desk: a report with what was said around it.
const scam = "Send the money to my bank first, then I ship.";
await say("room-mina-lamp", "sofia", scam);
const { items } = await server.api("GET", "/rooms/room-mina-lamp/messages");
const messageId = items.find(({ text }) => text === scam).id;
const report = (as, body) => server.api("POST", "/reports", body, { as });
await report("mina", { roomId: "room-mina-lamp", messageId, category: "scam", text: "Wants me to pay outside" });
await report("jonas", { roomId: third, category: "spam", text: "The same text for the third time" });
const staff = await DeskWindow.signIn(browser, server, { viewport: { width: 1180, height: 760 } });
await staff.row(scam).click();
await staff.page.getByRole("heading", { name: /^Scam:/ }).waitFor();
await take(staff, "staff");

await browser.close();
await server.stop();
