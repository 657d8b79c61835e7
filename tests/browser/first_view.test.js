import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { DESK, PHONE } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* What somebody who comes for the first time has to wait for. `first_view.js` measures how long. */

const ROOT = new URL("../../", import.meta.url);
/** A file by its address, as the server finds it: the page's own come first, then the sources of the npm packages. */
function fileOf(path) {
  const [, name, rest] = path.match(/^(client|components)\/(.+)$/) ?? [];
  const own = new URL(`static/${path}`, ROOT);
  return name && !existsSync(own) ? new URL(`packages/${name}/src/${rest}`, ROOT) : own;
}

/** What a module imports, and what those import. */
async function importsOf(path, found = new Set()) {
  const source = (await readFile(fileOf(path), "utf8")).replace(/\/\*[^]*?\*\//g, "");
  // Minified, it has its imports in the middle of a line.
  for (const [, from] of source.matchAll(/(?:^\s*(?:import|export)\b[^"';]*?|\}\s*)\bfrom\s*"(\.[^"]+)"/gm)) {
    const imported = new URL(from, new URL(path, ROOT)).href.slice(ROOT.href.length);
    if (found.has(imported)) continue;
    found.add(imported);
    await importsOf(imported, found);
  }
  return found;
}
const BYTES_MAX = 100_000;
/** What has to be there before one can choose whom to be: as much as six connections, which is all of HTTP/1.1, bring in two rounds. */
const AWAITED_FILES_MAX = 12;
const AWAITED_BYTES_MAX = 30_000;
/** Web Vitals' "good" is 0.1. */
const LAYOUT_SHIFT_MAX = 0.05;

stage();

/** What a first visit asks for, in its order, and how many bytes each answer has, headers counted and compressed as it came. */
async function firstVisit(context) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.shifted = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (window.shifted += value))).observe({ type: "layout-shift", buffered: true });
  });
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  const requests = new Map();
  network.on("Network.requestWillBeSent", ({ requestId, request }) => requests.set(requestId, { url: new URL(request.url), bytes: 0 }));
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => (requests.get(requestId).bytes = encodedDataLength));
  await page.goto(server.url);
  await page.locator(".person").first().waitFor();
  await page.waitForLoadState("networkidle");
  const all = [...requests.values()];
  // What is asked for from there on is for after the sign-in.
  return { page, all, behind: all.findIndex(({ url }) => url.pathname.endsWith("/session.js")) };
}

const sum = (some) => some.reduce((total, { bytes }) => total + bytes, 0);

test("the first view is under 100 KB as transferred, and asks nobody else", async () => {
  const context = await browser.newContext();
  const { all, behind } = await firstVisit(context);
  assert.deepEqual([...new Set(all.map(({ url }) => url.origin))], [server.url]);
  const pictures = all.slice(behind).filter(({ url }) => url.pathname.startsWith("/pictures/"));
  const first = sum(all.slice(0, behind)) + sum(pictures);
  assert.ok(behind > 10 && first > 10_000, "something was measured");
  assert.ok(first < BYTES_MAX, `${first} bytes in ${behind + pictures.length} responses`);
  // And all of what is read next to it, the components included, stays small.
  assert.ok(sum(all) < 1.5 * BYTES_MAX, `${sum(all)} bytes in ${all.length} responses`);
  await context.close();
});

test("one can choose whom to be after the document and twelve files of 30 KB, all of which it names", async () => {
  const context = await browser.newContext();
  const { all, behind } = await firstVisit(context);
  const index = await (await fetch(server.url)).text();
  // Ornaments, which come when the people are there.
  const awaited = all.slice(0, behind).filter(({ url }) => !url.pathname.startsWith("/pictures/") && url.pathname !== "/api/v1/demo/products");
  const [document, ...files] = awaited.map(({ url }) => url.pathname);
  assert.equal(document, "/");
  // One that is found only in another would cost a round of its own.
  assert.deepEqual(files.filter((path) => !index.includes(`="${path}"`)), []);
  assert.ok(files.length > 6 && files.length <= AWAITED_FILES_MAX, `${files.length} files: ${files}`);
  assert.ok(sum(awaited) > 10_000 && sum(awaited) <= AWAITED_BYTES_MAX, `${sum(awaited)} bytes`);
  await context.close();
});

test("what comes later moves nothing of the first view, on a phone and on a desk", async () => {
  for (const viewport of [PHONE, DESK]) {
    const context = await browser.newContext({ viewport });
    const { page } = await firstVisit(context);
    const shifted = await page.evaluate(async () => {
      // What the last frame has moved is known in the next.
      for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
      return window.shifted;
    });
    assert.ok(shifted < LAYOUT_SHIFT_MAX, `${shifted} at ${viewport.width} pixels`);
    await context.close();
  }
});

test("the index names the imports of main.js in advance, each of them and no other", async () => {
  const index = await readFile(fileOf("index.html"), "utf8");
  const named = [...index.matchAll(/<link rel="modulepreload" href="\/([^"]+)">/g)].map(([, path]) => path);
  assert.deepEqual(named.sort(), [...(await importsOf("main.js"))].sort());
});

test("what is read next to session.js names each of its imports that the first view lacks", async () => {
  const listed = [...(await readFile(fileOf("session_modules.js"), "utf8")).matchAll(/^import "\.\/([^"]+)";$/gm)].map(([, path]) => path);
  const first = await importsOf("main.js");
  assert.deepEqual(listed.sort(), [...(await importsOf("session.js"))].filter((path) => !first.has(path)).sort());
});

test("the entry for other pages names each module of the components", async () => {
  const entry = await readFile(fileOf("embed/haggle.js"), "utf8");
  const named = [...entry.matchAll(/^import "\.\/([^"]+)";$/gm)].map(([, path]) => path);
  assert.deepEqual(named.sort(), [...(await importsOf("components/index.js"))].sort());
  assert.match(entry, /export \* from "\.\/components\/index\.js";/);
});

test("who comes back asks for nothing that they have", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url);
  await page.locator(".person", { hasText: "Jonas" }).click();
  await page.locator(".inbox-row").first().waitFor();
  await page.waitForLoadState("networkidle");
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  const asked = [];
  const kept = new Set();
  network.on("Network.requestWillBeSent", ({ requestId, request }) => asked.push({ requestId, path: new URL(request.url).pathname }));
  network.on("Network.requestServedFromCache", ({ requestId }) => kept.add(requestId));
  network.on("Network.responseReceived", ({ requestId, response }) => response.fromDiskCache && kept.add(requestId));
  await page.reload();
  await page.locator(".inbox-row").first().waitFor();
  await page.waitForLoadState("networkidle");
  const scripts = asked.filter(({ path }) => /\.(js|css)$/.test(path));
  assert.ok(scripts.length > 30);
  assert.deepEqual(scripts.filter(({ requestId }) => !kept.has(requestId)).map(({ path }) => path), []);
  await context.close();
});
