// @ts-check
import { replace, Session, share } from "./session.js";
import { html, render } from "../ui/view.js";
import { keepFocus } from "../ui/keep_focus.js";
import { languageOf, loadLanguage } from "../languages.js";
import { LanguageContext } from "../ui/language.js";
import { base } from "../styles/base.js";
import { frame } from "../styles/frame.js";
import { HostContext } from "../ui/host.js";

/** @typedef {import("../ui/host.js").Place} Place */
/** @typedef {import("./session.js").FetchToken} FetchToken */

/** Where there is no DOM, a module can be imported all the same. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/**
 * What all elements have in common: a shadow root with a frame, the session, the language, and the way out to the page.
 *
 * A class that extends it says in `view` what the frame shows.
 */
export class HaggleElement extends Base {
  static observedAttributes = ["server", "token-url", "lang"];
  /** @type {(() => CSSStyleSheet)[]} */
  static sheets = [];

  /** @type {HTMLElement} */ #frame;
  /** @type {Session | undefined} */ #session;
  /** @type {(() => void) | undefined} */ #release;
  /** @type {import("../client.js").HaggleClient | undefined} */ #client;
  /** @type {FetchToken | undefined} */ #fetchToken;
  /** @type {((place: Place) => string | undefined) | undefined} */ #hrefFor;
  /** @type {import("../languages.js").Words | undefined} */ #strings;
  /** @type {{code: string, t: import("../languages.js").Strings} | undefined} */ #language;
  /** @type {{server: string, hrefFor: (place: Place) => string | undefined, go: (place: Place) => boolean,
   *   adopt: (sheets: (() => CSSStyleSheet)[]) => void} | undefined} */ #host;
  #isWaiting = false;
  #isRestarting = false;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    const { sheets } = /** @type {typeof HaggleElement} */ (this.constructor);
    this.#adopt([base, frame, ...sheets]);
    this.#frame = document.createElement("div");
    this.#frame.className = "frame";
    this.#frame.setAttribute("part", "frame");
    keepFocus(this.#frame);
    shadow.append(this.#frame);
  }

  /** The server's address. Without it, the page's own. */
  get server() {
    return this.getAttribute("server") ?? "";
  }

  set server(server) {
    this.reflect("server", server);
  }

  /** Where the page's backend hands out tokens for the user who is signed in there. */
  get tokenUrl() {
    return this.getAttribute("token-url") ?? "";
  }

  set tokenUrl(url) {
    this.reflect("token-url", url);
  }

  /** A client of the page's own, which it connects and closes itself; in place of `server` and `token-url`. */
  get client() {
    return this.#client;
  }

  set client(client) {
    if (client === this.#client) return;
    this.#client = client;
    this.#restart();
  }

  /** Fetches a token, where an address alone does not do. @type {FetchToken | undefined} */
  get fetchToken() {
    return this.#fetchToken;
  }

  set fetchToken(fetchToken) {
    if (fetchToken === this.#fetchToken) return;
    this.#fetchToken = fetchToken;
    this.#restart();
  }

  /** The page's address for a place, for links that open in a new tab as well. @type {((place: Place) => string | undefined) | undefined} */
  get hrefFor() {
    return this.#hrefFor;
  }

  set hrefFor(hrefFor) {
    this.#hrefFor = hrefFor;
    this.#host = undefined;
    this.update();
  }

  /** The page's own words in place of some of ours. @type {import("../languages.js").Words | undefined} */
  get strings() {
    return this.#strings;
  }

  set strings(strings) {
    if (strings === this.#strings) return;
    this.#strings = strings;
    this.#language = undefined;
    this.update();
  }

  connectedCallback() {
    // What a page has set before the element was defined hides its own property.
    for (const name of Object.keys(this)) {
      if (!(name in Object.getPrototypeOf(this))) continue;
      const value = /** @type {any} */ (this)[name];
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
    // One that was moved goes on with what it has.
    if (this.#session) this.update();
    else this.#restart();
  }

  disconnectedCallback() {
    // One that is moved comes back at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#leave();
      render(null, this.#frame);
    });
  }

  /** @param {string} name @param {string | null} before @param {string | null} now */
  attributeChangedCallback(name, before, now) {
    if (before === now) return;
    if (name === "lang") this.#language = undefined;
    if (name === "server" || name === "token-url") this.#restart();
    else this.update();
  }

  /**
   * Puts the focus where one goes on: where one writes, and else at the beginning.
   *
   * @param {FocusOptions} [options]
   */
  focus(options) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (this.#frame.querySelector(selector));
    (find("textarea") ?? find("input, a[href], button"))?.focus(options);
  }

  /** Shows what is the case now, before the next frame. */
  update() {
    if (!this.isConnected || this.#isWaiting) return;
    this.#isWaiting = true;
    queueMicrotask(() => {
      this.#isWaiting = false;
      if (this.isConnected) this.#render();
    });
  }

  /**
   * Asks the page to go somewhere.
   *
   * @param {Place} place
   * @returns {boolean} whether the page, or the element itself, has done so; if not, a link is followed
   */
  navigate(place) {
    return !this.#dispatch("navigate", place, true);
  }

  /** Publishes how many messages are unread, so that the page can put it into its title. @param {number} unread */
  dispatchUnread(unread) {
    this.#dispatch("unread", { unread });
  }

  /**
   * What the frame shows.
   *
   * @param {Session} _session
   * @returns {any}
   */
  view(_session) {
    return undefined;
  }

  #render() {
    const session = this.#session;
    const host = (this.#host ??= {
      server: this.#isOwnServer() ? "" : this.server,
      hrefFor: this.#hrefFor ?? (() => undefined),
      go: (/** @type {Place} */ place) => this.navigate(place),
      adopt: (/** @type {(() => CSSStyleSheet)[]} */ sheets) => this.#adopt(sheets),
    });
    const language = (this.#language ??= this.#findLanguage());
    this.#frame.lang = language.code;
    render(
      html`<${LanguageContext.Provider} value=${language}><${HostContext.Provider} value=${host}>${session && this.view(session)}<//><//>`,
      this.#frame,
    );
  }

  /** @param {(() => CSSStyleSheet)[]} sheets */
  #adopt(sheets) {
    const { adoptedStyleSheets } = /** @type {ShadowRoot} */ (this.shadowRoot);
    for (const sheet of sheets) if (!adoptedStyleSheets.includes(sheet())) adoptedStyleSheets.push(sheet());
  }

  /** The element's language, or that of what it stands in. One that must be read first is shown as soon as it is there. */
  #findLanguage() {
    const tag = this.closest("[lang]")?.getAttribute("lang") || document.documentElement.lang || "en";
    const found = languageOf(tag, this.#strings);
    loadLanguage(tag).then(() => {
      if (languageOf(tag).code === found.code) return;
      this.#language = undefined;
      this.update();
    }, () => {});
    return found;
  }

  /** A new session, for somebody who has signed in again; for all elements that shared the old one. */
  reconnect() {
    if (this.#session) replace(this.#session);
    else this.#restart();
  }

  /** Once for all that is set together: an element that is defined late hears of each attribute by itself. */
  #restart() {
    if (!this.isConnected || this.#isRestarting) return;
    this.#isRestarting = true;
    queueMicrotask(() => {
      this.#isRestarting = false;
      if (this.isConnected) this.#start();
    });
  }

  #start() {
    this.#leave();
    this.#host = undefined;
    const server = this.server || location.origin;
    if (this.#client) this.#enter(Session.around(this.#client));
    else if (this.#fetchToken) this.#enter(Session.open(server, this.#fetchToken));
    else if (this.tokenUrl) {
      const { session, release } = share(server, new URL(this.tokenUrl, document.baseURI).href);
      this.#enter(session, release);
    } else this.update();
  }

  /** @param {Session} session @param {() => void} [release] */
  #enter(session, release = () => session.close()) {
    const offs = [
      session.on("change", () => this.update()),
      session.on("replaced", () => this.#restart()),
      session.on("stopped", () => this.#dispatch("stopped", session.error)),
    ];
    this.#session = session;
    this.#release = () => {
      for (const off of offs) off();
      release();
    };
    this.update();
  }

  #leave() {
    this.#release?.();
    this.#release = this.#session = undefined;
  }

  #isOwnServer() {
    return !this.server || new URL(this.server, location.href).origin === location.origin;
  }

  /** Keeps a property as an attribute, and nothing as none. @param {string} name @param {string | number | undefined | null} value */
  reflect(name, value) {
    if (value) this.setAttribute(name, String(value));
    else this.removeAttribute(name);
  }

  /** @param {string} name @param {unknown} detail @param {boolean} [cancelable] @returns {boolean} whether nobody has prevented it */
  #dispatch(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(`haggle-${name}`, { bubbles: true, composed: true, cancelable, detail }));
  }
}
