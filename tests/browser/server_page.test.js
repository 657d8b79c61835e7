import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { launchBrowser, PHONE, Window } from "./support/browser.js";
import { BIN } from "./support/demo_server.js";

/** `haggle serve`, on a free port and a database of its own. */
async function serve() {
  const folder = await mkdtemp(join(tmpdir(), "haggle-browser-"));
  const env = { ...process.env, HAGGLE_JWT_SECRET: "a secret of the tests, 32 bytes or more" };
  const child = spawn(BIN, ["serve", "--bind", "127.0.0.1:0", "--database-url", join(folder, "haggle.db")], { env });
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface(child.stderr)) {
    const [, url] = line.match(/listening on (http:\S+)/) ?? [];
    if (url) {
      child.stderr.resume();
      return { url, stop };
    }
  }
  throw new Error(`${BIN} serve ended`);
}

test("a server that is no demo says what it is, in both languages, and leads to its documentation", async () => {
  const [server, browser] = await Promise.all([serve(), launchBrowser()]);
  try {
    const desk = await Window.open(browser, server.url);
    const phone = await Window.open(browser, server.url, { viewport: PHONE, colorScheme: "dark", locale: "ko-KR" });
    await desk.look("server-desk");
    await phone.look("server-phone-dark");
    assert.equal(await phone.page.locator("[lang=ko] h2").count(), 1);
    await desk.page.getByRole("link", { name: "Documentation of the API" }).click();
    await desk.page.waitForURL("**/api/docs/");
    await desk.page.locator(".swagger-ui .info").waitFor();
    assert.equal(await phone.page.getByRole("link", { name: "서버 준비 상태" }).getAttribute("href"), "/readyz");
    await Promise.all([desk.close(), phone.close()]);
  } finally {
    await browser.close();
    await server.stop();
  }
});
