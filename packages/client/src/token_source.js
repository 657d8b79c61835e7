// @ts-check
import { ServerClock } from "./clock.js";
import { HaggleError } from "./error.js";

/** A token is renewed this long before it expires, or at half of its life, whichever is later. */
const RENEW_BEFORE_MS = 60_000;

/** A clock that is wrong, here or there, must not turn into a storm of requests for tokens. */
const KEEP_AT_LEAST_MS = 10_000;

/**
 * Keeps one valid token, fetching a new one only when it is needed.
 *
 * `fetchToken` is the integrator's: a request to the marketplace's own backend that answers with a JWT for the signed-in
 * person. It is never called twice at the same time.
 */
export class TokenSource {
  /** @type {string | undefined} */ #token;
  /** @type {Promise<string> | undefined} */ #fetching;
  /** By `performance.now()`. */
  #renewAt = 0;
  #closing = new AbortController();
  #fetchToken;
  #clock;

  /**
   * @param {(options: {signal: AbortSignal}) => string | Promise<string>} fetchToken
   * @param {ServerClock} [clock]
   */
  constructor(fetchToken, clock = new ServerClock()) {
    this.#fetchToken = fetchToken;
    this.#clock = clock;
  }

  /**
   * @param {{fresh?: boolean}} [options] `fresh`: the one at hand was refused, or is about to expire
   * @returns {Promise<string>}
   * @throws {HaggleError} always one, whatever `fetchToken` throws
   */
  async get({ fresh = false } = {}) {
    if (!fresh && this.#token && performance.now() < this.#renewAt) return this.#token;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  /** Milliseconds until the token at hand should be replaced. */
  renewalInMs() {
    return Math.max(0, this.#renewAt - performance.now());
  }

  /** Aborts the request for a token that is under way. */
  close() {
    this.#closing.abort();
    this.#closing = new AbortController();
  }

  async #fetch() {
    let token;
    try {
      token = await this.#fetchToken({ signal: this.#closing.signal });
    } catch (error) {
      throw error instanceof HaggleError ? error : new HaggleError("unreachable", "`fetchToken` failed", { cause: error });
    }
    // Without this a wrong callback would look like a server that refuses everybody.
    if (typeof token !== "string" || !token) {
      throw new HaggleError("unauthenticated", `\`fetchToken\` must return a JWT as a string, and returned ${typeof token === "string" ? "an empty one" : typeof token}`, { status: 401 });
    }
    const lifeMs = lifeOf(token, this.#clock);
    this.#renewAt = performance.now() + Math.max(KEEP_AT_LEAST_MS, lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs / 2));
    this.#token = token;
    return token;
  }
}

/**
 * By the server's clock or, before that is known, by the token's own two times: neither depends on this device's clock.
 *
 * @param {string} token
 * @param {ServerClock} clock
 * @returns {number} milliseconds; a day for a token that can't be read, which is then judged by the server alone
 */
function lifeOf(token, clock) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    return clock.isKnown || iat === undefined ? exp * 1000 - clock.now() : (exp - iat) * 1000;
  } catch {
    return 86_400_000;
  }
}
