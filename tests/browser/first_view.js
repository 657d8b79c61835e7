/*
 * How long somebody who comes for the first time waits for the first view on a phone's network, as a table:
 * `node first_view.js [ROUNDS]`, best with a release build in HAGGLE_BIN. A measurement, not a test: it asserts nothing.
 *
 * Chromium's emulation of 3G-fast, an empty cache each round: 1.6 Mbit/s down, 750 kbit/s up, 150 ms a round trip.
 */
import { launchBrowser, PHONE } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";

const NETWORK = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };

const rounds = Number(process.argv[2] ?? 9);
const server = await DemoServer.start();
const browser = await launchBrowser();
const measured = [];
for (let round = 0; round < rounds; round += 1) {
  const context = await browser.newContext({ viewport: PHONE, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", NETWORK);
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector(".person")) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => performance.mark("people")));
    });
    observer.observe(document, { childList: true, subtree: true });
  });
  await page.goto(server.url);
  await page.locator(".person").first().waitFor();
  await page.waitForLoadState("networkidle");
  measured.push(
    await page.evaluate(() => {
      const resources = performance.getEntriesByType("resource");
      const ends = (/** @type {RegExp} */ name) => Math.max(...resources.filter((one) => name.test(one.name)).map((one) => one.responseEnd));
      return {
        "first contentful paint, ms": performance.getEntriesByName("first-contentful-paint")[0].startTime,
        "people to choose from, ms": performance.getEntriesByName("people")[0].startTime,
        "their last picture, ms": ends(/pictures/),
        "everything behind the sign-in, ms": ends(/\.(js|css)$/),
      };
    }),
  );
  if (process.env.WATERFALL && round === 0) {
    const lines = await page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ startTime, responseEnd, transferSize, name }) => [startTime, responseEnd, transferSize].map((value) => String(Math.round(value)).padStart(7)).join("") + ` ${new URL(name).pathname}`),
    );
    console.log(["  start    end  bytes", ...lines].join("\n"));
  }
  await context.close();
}
await browser.close();
await server.stop();

for (const name of Object.keys(measured[0])) {
  const values = measured.map((one) => Math.round(one[name])).sort((a, b) => a - b);
  console.log(`${name.padEnd(36)} median ${values[values.length >> 1]}, of ${values.length} from ${values[0]} to ${values.at(-1)}`);
}
