// @ts-check
import { HaggleClient, HaggleError } from "../client.js";
import { learnCurrencies } from "../ui/money.js";

/** @typedef {(options?: {signal?: AbortSignal}) => Promise<string> | string} FetchToken */

/** After so long out of sight, a phone or a laptop may have slept, and its connection died unnoticed. */
const SLEEP_MS = 30_000;

/** The first token is asked for again after this, and after twice as long each time, up to the other. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** A shared session outlives its last element for so long: a page that shows another one in its place goes on with it. */
const LINGER_MS = 1_000;

/** What every server reads, for one that does not say it. What it says of sizes is its own. */
const IMAGES = { types: ["image/jpeg", "image/png", "image/webp"], bytesMax: Infinity };

/**
 * Somebody signed in: a client, and what its server offers. The elements of a page that name the same server and the same token
 * share one.
 */
export class Session extends EventTarget {
  /** Known once the first token has said who it is. @type {HaggleClient | undefined} */
  client;
  /** Why there is none yet, or no longer. @type {HaggleError | undefined} */
  error;
  /** Whether it is given up, so that nothing but a new session helps. */
  hasEnded = false;
  /** What an older server lacks is not offered. @type {Set<string>} */
  features = new Set();
  /** Which images the server takes. */
  images = IMAGES;
  /** The longest message, in UTF-8. */
  messageBytesMax = Infinity;
  /** @type {(() => void)[]} */ #ends = [];
  #isKnown = false;
  #isClosed = false;
  #warned = "";
  #hiddenAt = 0;

  /** @param {"change" | "stopped" | "replaced"} event @param {() => void} listener */
  on(event, listener) {
    this.addEventListener(event, listener);
    return () => this.removeEventListener(event, listener);
  }

  /** @param {"change" | "stopped" | "replaced"} event */
  emit(event) {
    this.dispatchEvent(new Event(event));
  }

  /**
   * Around a client that somebody else connects and closes.
   *
   * @param {HaggleClient} client
   */
  static around(client) {
    const session = new Session();
    session.#take(client);
    return session;
  }

  /**
   * With a client of its own.
   *
   * @param {string} server
   * @param {FetchToken} fetchToken
   */
  static open(server, fetchToken) {
    const session = new Session();
    void session.#start(server, fetchToken);
    return session;
  }

  /** @param {string} server @param {FetchToken} fetchToken */
  async #start(server, fetchToken) {
    const token = await this.#firstToken(fetchToken);
    if (token === undefined) return;
    const userId = subjectOf(token);
    if (userId === undefined) return this.#stop(new HaggleError("unauthenticated", "the token names no user: it must be a JWT with `sub`"));
    // The one that is there already, and then a new one each time.
    let first = /** @type {string | undefined} */ (token);
    /** @type {FetchToken} */
    const next = (options) => {
      const unused = first;
      first = undefined;
      return unused ?? fetchToken(options);
    };
    const client = new HaggleClient({ userId, baseUrl: server, fetchToken: async (options) => next(options), storage: storage() });
    this.#ends.push(() => client.close());
    this.#take(client);
    client.connect();
  }

  /** @param {FetchToken} fetchToken @returns {Promise<string | undefined>} `undefined` when it is given up */
  async #firstToken(fetchToken) {
    for (let wait = RETRY_MS; !this.#isClosed; wait = Math.min(2 * wait, RETRY_MAX_MS)) {
      try {
        const token = await fetchToken({});
        if (this.#isClosed) return undefined;
        // Else a wrong answer would look like a page that loads.
        if (typeof token !== "string" || !token) throw new HaggleError("unauthenticated", "the answer of `token-url` or `fetchToken` holds no token", { status: 401 });
        return token;
      } catch (error) {
        const failure = error instanceof HaggleError ? error : new HaggleError("unreachable", String(error), { cause: error });
        if (failure.status !== undefined && failure.status >= 400 && failure.status < 500) {
          this.#stop(failure);
          return undefined;
        }
        this.#say(failure);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** @param {HaggleClient} client */
  #take(client) {
    this.client = client;
    this.error = undefined;
    this.#ends.push(client.on("stopped", (/** @type {HaggleError} */ error) => this.#stop(error)));
    this.#ends.push(
      client.on("state", (/** @type {string} */ state) => {
        if (state === "open") void this.#learn();
        else if (client.error) this.#warn(client.error);
      }),
    );
    const onVisibility = () => {
      if (document.visibilityState === "hidden") this.#hiddenAt = Date.now();
      else if (Date.now() - this.#hiddenAt > SLEEP_MS) client.wake();
    };
    document.addEventListener("visibilitychange", onVisibility);
    this.#ends.push(() => document.removeEventListener("visibilitychange", onVisibility));
    void this.#learn();
    this.emit("change");
  }

  /** What the server offers, asked for until it answers. */
  async #learn() {
    const { client } = this;
    if (!client || this.#isKnown) return;
    try {
      const [{ features, images, limits }, currencies] = await Promise.all([client.rest.getFeatures(), client.rest.listCurrencies()]);
      learnCurrencies(currencies);
      this.#isKnown = true;
      this.features = new Set(features);
      this.images = images ?? IMAGES;
      this.messageBytesMax = limits?.messageBytesMax ?? Infinity;
      this.emit("change");
    } catch {
      // Asked again with the next connection.
    }
  }

  /** @param {HaggleError} error */
  #stop(error) {
    this.hasEnded = true;
    this.#say(error);
    this.emit("stopped");
  }

  /** @param {HaggleError} error */
  #say(error) {
    this.error = error;
    this.#warn(error);
    this.emit("change");
  }

  /** What a developer has to mend is on the console, once. @param {HaggleError} error */
  #warn({ code, message, hint, isTransient }) {
    if (isTransient || message === this.#warned) return;
    this.#warned = message;
    console.warn(`haggle: ${code}: ${message}. ${hint}`);
  }

  close() {
    this.#isClosed = true;
    for (const end of this.#ends.splice(0)) end();
  }
}

/** @type {Map<string, {session: Session, users: number}>} */
const shared = new Map();

/**
 * The session for a server and an address of tokens, which all elements that name both share.
 *
 * @param {string} server
 * @param {string} tokenUrl
 * @returns {{session: Session, release: () => void}}
 */
export function share(server, tokenUrl) {
  const name = JSON.stringify([server, tokenUrl]);
  const entry = shared.get(name) ?? { session: Session.open(server, (options) => tokenFrom(tokenUrl, options)), users: 0 };
  shared.set(name, entry);
  entry.users += 1;
  const release = () => {
    entry.users -= 1;
    setTimeout(() => {
      if (entry.users > 0) return;
      if (shared.get(name) === entry) shared.delete(name);
      entry.session.close();
    }, LINGER_MS);
  };
  return { session: entry.session, release };
}

/** Lets all elements that use a session start another. @param {Session} session */
export function replace(session) {
  for (const [name, entry] of shared) if (entry.session === session) shared.delete(name);
  session.emit("replaced");
}

/**
 * Asks the page's own backend for a token: as text, or as JSON `{token}`.
 *
 * @param {string} url
 * @param {{signal?: AbortSignal}} [options]
 */
async function tokenFrom(url, { signal } = {}) {
  const response = await fetch(url, { signal, cache: "no-store", headers: { accept: "text/plain, application/json" } });
  const text = (await response.text()).trim();
  if (!response.ok) throw new HaggleError("unauthenticated", `${url} answered ${response.status}`, { status: response.status });
  try {
    return text.startsWith("{") ? JSON.parse(text).token : text;
  } catch {
    return "";
  }
}

/** @param {string} token @returns {string | undefined} */
function subjectOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** What was written without a connection outlives the window, where a page may keep something at all. */
function storage() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
