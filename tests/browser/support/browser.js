import assert from "node:assert/strict";
import { readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

const SCREENSHOTS = fileURLToPath(new URL("../../../target/screenshots/", import.meta.url));
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** One person's window: a browser context of its own, so that nothing is shared with the others. */
export class Window {
  /** What the console, the page or its Content-Security-Policy complained about. */
  faults = [];
  page;

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} url
   * @param {{viewport?: {width: number, height: number}, colorScheme?: "light" | "dark", locale?: string, wire?: "socketIo" | "plain",
   *   forcedColors?: "active", fontSize?: number}} [options] `fontSize`: what the browser is set to, in pixels
   */
  static async open(browser, url, { viewport = DESK, colorScheme = "light", locale = "en-US", wire, forcedColors, fontSize } = {}) {
    const window = new Window();
    const phone = viewport.width < 800;
    const context = await browser.newContext({
      viewport,
      colorScheme,
      locale,
      forcedColors,
      hasTouch: phone,
      isMobile: phone,
      deviceScaleFactor: phone ? 2 : 1,
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(20_000);
    window.page = await context.newPage();
    window.page.on("console", (message) => message.type() === "error" && window.faults.push(message.text()));
    window.page.on("pageerror", (error) => window.faults.push(String(error)));
    await window.page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
    });
    // A locator finds its way into shadow roots by itself; what runs in the page has these two.
    await window.page.addInitScript(() => {
      /** Every element that matches, also in shadow roots. */
      globalThis.all = (selector, root = document) => [
        ...root.querySelectorAll(selector),
        ...[...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => (shadowRoot ? globalThis.all(selector, shadowRoot) : [])),
      ];
      /** What has the focus, and not the element whose shadow root it is in. */
      globalThis.focused = () => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element;
      };
    });
    if (fontSize) await (await context.newCDPSession(window.page)).send("Page.setFontSizes", { fontSizes: { standard: fontSize } });
    if (wire) await window.page.addInitScript((name) => sessionStorage.setItem("haggle.wire", name), wire);
    await window.page.goto(url);
    return window;
  }

  async signIn(name) {
    await this.page.locator(".person", { hasText: name }).click();
    await this.page.locator(".app").waitFor();
    return this;
  }

  /** "Chat with the seller" on a product, from the market. */
  async chatWithSeller(product) {
    await this.page.getByRole("button", { name: `Chat with the seller: ${product}` }).click();
    await this.#entered();
  }

  /** A conversation of the inbox, by the other person's name or the product's title. */
  async openChat(text) {
    const row = this.page.locator(".inbox-row", { hasText: text });
    await row.click();
    // The address changes first and the page a moment later: until then what is there is the conversation before.
    await row.and(this.page.locator("[aria-current=page]")).waitFor({ state: "attached" });
    await this.#entered();
  }

  async #entered() {
    await this.page.locator(".history[aria-busy=false]").waitFor();
  }

  get composer() {
    return this.page.locator(".composer textarea");
  }

  async send(text) {
    await this.composer.fill(text);
    await this.page.getByRole("button", { name: /^(Send|보내기)$/ }).click();
  }

  /** The bubble with that text, optionally in a delivery state: `sent` is stored, whether or not a device of the other has it. */
  message(text, state) {
    const states = state === "sent" ? ["sent", "delivered"] : [state];
    const line = this.page.locator(state ? states.map((state) => `.line[data-state="${state}"]`).join(", ") : ".line");
    return line.filter({ has: this.page.getByText(text, { exact: true }) });
  }

  /** Every text of the history, from top to bottom. */
  texts() {
    return this.page.locator(".line .bubble").allTextContents();
  }

  get banner() {
    return this.page.locator(".banner");
  }

  /** Waits until a condition in the page holds. */
  until(condition, argument) {
    return this.page.waitForFunction(condition, argument);
  }

  /** Chromium logs every refused connection as an error; while the server is down, on purpose, they are none. */
  forgiveLostConnections() {
    this.faults = this.faults.filter((fault) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_CLOSED|ERR_INCOMPLETE_CHUNKED_ENCODING|WebSocket connection to/.test(fault));
  }

  /** The page may come back before the server that drains has gone, and is then notified, which Chromium logs, too. */
  forgiveDrain() {
    this.forgiveLostConnections();
    this.faults = this.faults.filter((fault) => fault !== "Failed to load resource: the server responded with a status of 503 (Service Unavailable)");
  }

  async screenshot(name) {
    await mkdir(SCREENSHOTS, { recursive: true });
    // Pictures load lazily, and hidden ones never; a screenshot of an empty frame shows nobody anything.
    await this.until(() => all("img").every((image) => image.complete || !image.checkVisibility() || image.getBoundingClientRect().top > innerHeight));
    await this.page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
  }

  /** A view in this state: no serious finding, nothing wider than the window, and a screenshot for people to look at. */
  async look(name) {
    await this.assertAccessible(name);
    await this.screenshot(name);
    const [content, width] = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= width, `${name}: ${content} px of content in ${width} px`);
  }

  /** No serious finding of axe-core. */
  async assertAccessible(view) {
    const violations = await this.page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)`);
    const serious = violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n    ")}`);
    assert.deepEqual(serious, [], `axe-core on ${view}`);
  }

  /** Nothing was logged as an error, nothing was thrown, nothing broke the policy, and nothing is shown as such. */
  async close() {
    assert.equal(await this.page.locator(".error-bar").count(), 0, "the error bar is shown");
    await this.page.context().close();
    assert.deepEqual(this.faults, []);
  }
}
