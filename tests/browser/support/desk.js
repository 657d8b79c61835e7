import { Window } from "./browser.js";

/** The desk of the staff in a window of its own, signed in by the marketplace's redirect. */
export class DeskWindow extends Window {
  /**
   * @param {import("playwright-core").Browser} browser
   * @param {import("./demo_server.js").DemoServer} server
   * @param {Parameters<typeof Window.open>[2] & {place?: string}} [options] `place`: the fragment to begin at
   */
  static async signIn(browser, server, { place, ...options } = {}) {
    const window = await Window.open(browser, `${server.url}/staff#token=${await server.tokenOf("moderator")}`, options);
    Object.setPrototypeOf(window, DeskWindow.prototype);
    await window.page.locator(".desk").waitFor();
    if (place) await window.go(place);
    return window;
  }

  /** To a place, as a link or a typed address leads there. */
  async go(place) {
    await this.page.evaluate((hash) => (location.hash = hash), place);
  }

  /** A row of a list, by its words. */
  row(text) {
    return this.page.locator("[data-row]", { hasText: text });
  }

  /** A message of a conversation or a report, by its words. */
  line(text) {
    return this.page.locator(".message", { hasText: text });
  }

  get dialog() {
    return this.page.locator("dialog[open]");
  }

  /** Fills in the dialog of an action and does it, by the keyboard alone. */
  async confirm({ choose = [], reason } = {}) {
    await this.dialog.waitFor();
    for (const label of choose) await this.dialog.getByLabel(label, { exact: true }).press("Space");
    if (reason) {
      await this.dialog.locator("textarea").focus();
      await this.page.keyboard.type(reason);
    }
    await this.page.keyboard.press("Control+Enter");
    await this.dialog.waitFor({ state: "detached" });
  }

  /** Waits until the desk says so, also to screen readers. */
  async said(text) {
    await this.page.locator("[role=status].said", { hasText: text }).waitFor();
  }

  /** Waits until something that matches has the focus. */
  async focused(selector) {
    await this.until((selector) => globalThis.focused()?.matches(selector), selector);
  }

  /** Refused requests are logged by Chromium as errors; here they are meant. */
  forgiveRefusals() {
    this.faults = this.faults.filter((fault) => !/status of (401|403|404|409)/.test(fault));
  }
}
