import { after, before } from "node:test";
import { launchBrowser } from "./browser.js";
import { DemoServer } from "./demo_server.js";

/** The demo's server of a test file, while its tests run. @type {DemoServer} */
export let server;
/** The browser of a test file, while its tests run. @type {import("playwright-core").Browser} */
export let browser;

/**
 * Starts both before the first test of a file, and stops them after the last one.
 *
 * @param {Record<string, string>} [options] environment variables of the server
 * @param {() => Promise<void>} [prepare] what the tests find there
 */
export function stage(options, prepare) {
  before(async () => {
    [server, browser] = await Promise.all([DemoServer.start(options), launchBrowser()]);
    await prepare?.();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });
}
