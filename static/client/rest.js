// @ts-check
import { HaggleError } from "./error.js";

/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").RoomInfo} RoomInfo */
/** @typedef {import("./types.js").InboxItem} InboxItem */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").DemoUser} DemoUser */

/**
 * Sends one request and reads its answer.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<any>} the JSON body, `undefined` when there is none
 * @throws {HaggleError} with the `code` of the problem document, or `unreachable`
 */
async function fetchJson(url, init) {
  let response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new HaggleError("unreachable", "the server can't be reached");
  }
  const body = await response.json().catch(() => undefined);
  if (response.ok) return body;
  throw new HaggleError(body?.code ?? "internal", body?.detail ?? body?.title ?? `HTTP ${response.status}`, {
    status: response.status,
    retryAfterMs: body?.retryAfterMs,
  });
}

/** @param {unknown} value */
const json = (value) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

/** The REST API, for a signed-in user. A token that is refused is replaced once. */
export class Rest {
  #base;
  #tokens;

  /**
   * @param {string} base such as `https://chat.example.com/api/v1`
   * @param {import("./token_source.js").TokenSource} tokens
   */
  constructor(base, tokens) {
    this.#base = base;
    this.#tokens = tokens;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async #request(path, init = {}) {
    const send = async (/** @type {boolean} */ fresh) =>
      fetchJson(this.#base + path, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${await this.#tokens.get({ fresh })}` },
      });
    try {
      return await send(false);
    } catch (error) {
      if (error instanceof HaggleError && error.status === 401) return send(true);
      throw error;
    }
  }

  /**
   * The buyer's room for a product, made when there was none.
   * @param {string} productId
   * @returns {Promise<RoomInfo>}
   */
  openRoom(productId) {
    return this.#request("/rooms", { method: "POST", ...json({ productId }) });
  }

  /**
   * Own rooms, latest activity first.
   * @param {{limit?: number, cursor?: string}} [page]
   * @returns {Promise<{items: InboxItem[], nextCursor?: string}>}
   */
  listRooms({ limit = 50, cursor } = {}) {
    return this.#request(`/rooms?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  }

  /**
   * A page of a room's history, oldest first. Without `before` the newest one.
   * @param {string} roomId
   * @param {{before?: number, limit?: number}} [page]
   * @returns {Promise<{items: Message[], hasMore: boolean}>}
   */
  listMessages(roomId, { before, limit = 50 } = {}) {
    const range = before === undefined ? "" : `&before=${before}`;
    return this.#request(`/rooms/${encodeURIComponent(roomId)}/messages?limit=${limit}${range}`);
  }
}

/** The routes that exist only under `haggle demo`; a marketplace has its own sign-in and its own products. */
export class DemoRest {
  #base;

  /** @param {string} base */
  constructor(base) {
    this.#base = base;
  }

  /** @returns {Promise<DemoUser[]>} */
  async listUsers() {
    return (await fetchJson(`${this.#base}/demo/users`)).items;
  }

  /** @returns {Promise<Product[]>} */
  async listProducts() {
    return (await fetchJson(`${this.#base}/demo/products`)).items;
  }

  /**
   * @param {string} userId
   * @returns {Promise<string>} a token for that user
   */
  async signIn(userId) {
    return (await fetchJson(`${this.#base}/demo/sign-in`, { method: "POST", ...json({ userId }) })).token;
  }
}
