// @ts-check

/** A token is renewed this long before it expires, so that a slow network does not cost the session. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Keeps one valid token, fetching a new one only when it is needed.
 *
 * `fetchToken` is the integrator's: a request to the marketplace's own backend that answers with a JWT for the signed-in
 * person. It is never called twice at the same time.
 */
export class TokenSource {
  /** @type {string | undefined} */ #token;
  /** @type {Promise<string> | undefined} */ #fetching;
  #fetchToken;

  /** @param {() => Promise<string>} fetchToken */
  constructor(fetchToken) {
    this.#fetchToken = fetchToken;
  }

  /**
   * @param {{fresh?: boolean}} [options] `fresh`: the one at hand was refused, or is about to expire
   * @returns {Promise<string>}
   */
  async get({ fresh = false } = {}) {
    if (!fresh && this.#token && msUntilRenewal(this.#token) > 0) return this.#token;
    this.#fetching ??= this.#fetchToken().finally(() => (this.#fetching = undefined));
    this.#token = await this.#fetching;
    return this.#token;
  }

  /** Milliseconds until the token at hand should be replaced; at least 1 s, so that a short-lived one can't cause a storm. */
  renewalInMs() {
    return this.#token ? Math.max(1000, msUntilRenewal(this.#token)) : Infinity;
  }
}

/**
 * @param {string} token
 * @returns {number} may be negative; `Infinity` for a token that can't be read, which the server then refuses by itself
 */
function msUntilRenewal(token) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    // A token that lives for two minutes is renewed at half of its life, not the moment that it arrives.
    const lifeMs = (exp - (iat ?? exp - 3600)) * 1000;
    return exp * 1000 - Date.now() - Math.min(RENEW_BEFORE_MS, lifeMs / 2);
  } catch {
    return Infinity;
  }
}
