// @ts-check
import { HaggleError } from "./error.js";
import { resolveImages } from "./images.js";

/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").RoomInfo} RoomInfo */
/** @typedef {import("./types.js").InboxItem} InboxItem */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").DemoUser} DemoUser */
/** @typedef {import("./types.js").Settings} Settings */
/** @typedef {import("./types.js").Found} Found */

/**
 * Sends one request and reads its answer.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @param {import("./clock.js").ServerClock} [clock]
 * @returns {Promise<any>} the JSON body, `undefined` when there is none
 * @throws {HaggleError} with the `code` of the problem document, or `unreachable`
 */
async function fetchJson(url, init, clock) {
  let response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new HaggleError("unreachable", "the server can't be reached");
  }
  clock?.setRoughly(response.headers.get("date"));
  const body = await response.json().catch(() => undefined);
  if (response.ok) return body;
  throw new HaggleError(body?.code ?? "internal", body?.detail ?? body?.title ?? `HTTP ${response.status}`, {
    status: response.status,
    retryAfterMs: body?.retryAfterMs,
    until: body?.until,
  });
}

/** @param {unknown} value */
const json = (value) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

/** The REST API, for a signed-in user. A token that is refused is replaced once. */
export class Rest {
  #base;
  #server;
  #tokens;
  #clock;

  /**
   * @param {string} base such as `https://chat.example.com/api/v1`
   * @param {import("./token_source.js").TokenSource} tokens
   * @param {import("./clock.js").ServerClock} [clock]
   */
  constructor(base, tokens, clock) {
    this.#base = base;
    this.#server = base.replace(/\/api\/v1$/, "");
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /**
   * Why no connection can be opened with a fresh token, which a browser doesn't show to its page.
   *
   * @returns {Promise<HaggleError | undefined>} `undefined` when nothing stands in the way any more
   */
  async whyNot() {
    let error;
    try {
      await this.#tokens.get({ fresh: true });
      await this.#request("/me");
    } catch (failure) {
      error = failure instanceof HaggleError ? failure : new HaggleError("unreachable", String(failure));
    }
    const origin = globalThis.location?.origin;
    if (origin === undefined || (error && error.code !== "unreachable")) return error;
    // The one answer that a page of any origin may read.
    const standing = await fetchJson(`${this.#base}/origin?of=${encodeURIComponent(origin)}`).catch(() => undefined);
    if (standing?.allowed !== false) return error;
    return new HaggleError("origin_refused", `pages of ${origin} may not use this server: its operator can list them with --allowed-origin`);
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async #request(path, init = {}) {
    const send = async (/** @type {boolean} */ fresh) =>
      fetchJson(
        this.#base + path,
        { ...init, headers: { ...init.headers, authorization: `Bearer ${await this.#tokens.get({ fresh })}` } },
        this.#clock,
      );
    try {
      return resolveImages(await send(false), this.#server);
    } catch (error) {
      if (error instanceof HaggleError && error.status === 401) return resolveImages(await send(true), this.#server);
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

  /**
   * Says where one's own product stands.
   * @param {string} productId
   * @param {Product["status"]} status
   * @returns {Promise<Product>}
   */
  setProductStatus(productId, status) {
    return this.#request(`/products/${encodeURIComponent(productId)}`, { method: "PATCH", ...json({ status }) });
  }

  /** @returns {Promise<Settings>} */
  getSettings() {
    return this.#request("/me/settings");
  }

  /**
   * @param {Partial<Settings>} settings those that are left out stay
   * @returns {Promise<Settings>}
   */
  setSettings(settings) {
    return this.#request("/me/settings", { method: "PATCH", ...json(settings) });
  }

  /** @param {string} userId */
  async block(userId) {
    await this.#request(`/blocks/${encodeURIComponent(userId)}`, { method: "PUT" });
  }

  /** @param {string} userId */
  async unblock(userId) {
    await this.#request(`/blocks/${encodeURIComponent(userId)}`, { method: "DELETE" });
  }

  /**
   * Whether the signed-in user has blocked somebody.
   * @param {string} userId
   */
  async hasBlocked(userId) {
    let cursor = "";
    for (;;) {
      /** @type {{items: {user: {id: string}}[], nextCursor?: string}} */
      const { items, nextCursor } = await this.#request(`/blocks?limit=200${cursor}`);
      if (items.some(({ user }) => user.id === userId)) return true;
      if (nextCursor === undefined) return false;
      cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
    }
  }

  /** @param {{roomId: string, messageId?: string, category: string, text?: string}} report */
  async report(report) {
    await this.#request("/reports", { method: "POST", ...json(report) });
  }

  /**
   * Own messages that hold all of the words, newest first.
   * @param {string} words
   * @param {{limit?: number, cursor?: string, signal?: AbortSignal}} [page]
   * @returns {Promise<{items: Found[], nextCursor?: string}>}
   */
  search(words, { limit = 20, cursor, signal } = {}) {
    const behind = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    return this.#request(`/search?q=${encodeURIComponent(words)}&limit=${limit}${behind}`, { signal });
  }

  /**
   * Sends an image. By `XMLHttpRequest`, since `fetch` says nothing about how far an upload is.
   *
   * @param {string} roomId
   * @param {Blob} image
   * @param {{clientId: string, text?: string, onProgress?: (share: number) => void, signal?: AbortSignal}} options
   * @returns {Promise<Message>}
   */
  async sendImage(roomId, image, { clientId, text, onProgress, signal }) {
    const form = new FormData();
    form.set("clientId", clientId);
    if (text) form.set("text", text);
    form.set("image", image);
    const send = async (/** @type {boolean} */ fresh) =>
      uploadForm(`${this.#base}/rooms/${encodeURIComponent(roomId)}/images`, form, await this.#tokens.get({ fresh }), onProgress, signal);
    try {
      return resolveImages(await send(false), this.#server);
    } catch (error) {
      if (error instanceof HaggleError && error.status === 401) return resolveImages(await send(true), this.#server);
      throw error;
    }
  }
}

/**
 * @param {string} url
 * @param {FormData} form
 * @param {string} token
 * @param {((share: number) => void) | undefined} onProgress
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<any>}
 */
function uploadForm(url, form, token, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const { status, response: body } = request;
      if (status >= 200 && status < 300) resolve(body);
      else reject(new HaggleError(body?.code ?? "internal", body?.detail ?? `HTTP ${status}`, { status, retryAfterMs: body?.retryAfterMs, until: body?.until }));
    };
    request.onerror = () => reject(new HaggleError("unreachable", "the server can't be reached"));
    request.onabort = () => reject(new HaggleError("aborted", "the upload was given up"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/**
 * The currencies of prices, and how many digits the minor unit of each has. It needs no token.
 *
 * @param {string} base such as `https://chat.example.com/api/v1`
 * @returns {Promise<{code: string, exponent: number}[]>}
 */
export async function listCurrencies(base) {
  return (await fetchJson(`${base}/currencies`)).items;
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

  /**
   * What this server can do, from its OpenAPI document.
   * @returns {Promise<Set<string>>} paths such as `/api/v1/search`
   */
  async listRoutes() {
    return new Set(Object.keys((await fetchJson(`${this.#base}/openapi.json`)).paths));
  }
}
