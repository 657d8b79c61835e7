// @ts-check
import { abortedBy, HaggleError, unlessAborted } from "./error.js";
import { fetchJson, json, problem } from "./http.js";
import { resolveImages } from "./images.js";
import { newClientId } from "./outbox.js";
import { PROTOCOLS } from "./plain_wire.js";

/** @import { ServerClock } from "./clock.js" */
/** @import { TokenSource } from "./token_source.js" */
/** @import { Rest as Declared } from "../types/index.d.ts" */
/** @import { Abortable, Block, Page } from "../types/types.d.ts" */

/** What every server of `haggle.v1` offers, for those without `GET /api/v1/features`. */
const FEATURES_OF_V1 = ["offers", "images", "search", "blocks", "reports", "settings", "room-tokens"];

/** @param {Record<string, string | number | boolean | undefined>} parameters */
function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}` : "";
}

/**
 * The server's routes for a signed-in user, one method each. A token that is refused is replaced once.
 *
 * `types/index.d.ts` describes each.
 */
export class Rest {
  #base;
  #server;
  #tokens;
  #http;

  /**
   * @param {string} base such as `https://chat.example.com/api/v1`
   * @param {TokenSource} tokens
   * @param {{clock?: ServerClock, fetch?: typeof fetch}} [http]
   */
  constructor(base, tokens, http = {}) {
    this.#base = base;
    this.#server = base.replace(/\/api\/v1$/, "");
    this.#tokens = tokens;
    this.#http = http;
  }

  /** @type {Declared["getMe"]} */
  getMe(options) {
    return this.#get("/me", options);
  }

  /** @type {Declared["getSettings"]} */
  getSettings(options) {
    return this.#get("/me/settings", options);
  }

  /** @type {Declared["setSettings"]} */
  setSettings(settings, options) {
    return this.send("PATCH", "/me/settings", settings, options);
  }

  /** @type {Declared["getUnread"]} */
  getUnread(options) {
    return this.#get("/me/unread", options);
  }

  /** @type {Declared["openRoom"]} */
  openRoom(productId, options) {
    return this.send("POST", "/rooms", { productId }, options);
  }

  /** @type {Declared["listRooms"]} */
  listRooms({ archived, limit = 50, cursor, signal } = {}) {
    return this.#get(`/rooms${query({ archived, limit, cursor })}`, { signal });
  }

  /** @type {Declared["getRoom"]} */
  getRoom(roomId, options) {
    return this.#get(this.#room(roomId), options);
  }

  /** @type {Declared["setRoomSettings"]} */
  setRoomSettings(roomId, settings, options) {
    return this.send("PATCH", `${this.#room(roomId)}/settings`, settings, options);
  }

  /** @type {Declared["issueRoomToken"]} */
  issueRoomToken(roomId, options) {
    return this.send("POST", `${this.#room(roomId)}/token`, undefined, options);
  }

  /** @type {Declared["listMessages"]} */
  listMessages(roomId, { before, after, limit = 50, signal } = {}) {
    return this.#get(`${this.#room(roomId)}/messages${query({ limit, before, after })}`, { signal });
  }

  /** @type {Declared["sendMessage"]} */
  sendMessage(roomId, message, options) {
    return this.send("POST", `${this.#room(roomId)}/messages`, message, options);
  }

  /** @type {Declared["editMessage"]} */
  editMessage(roomId, messageId, text, options) {
    return this.send("PATCH", this.#message(roomId, messageId), { text }, options);
  }

  /** @type {Declared["deleteMessage"]} */
  deleteMessage(roomId, messageId, options) {
    return this.send("DELETE", this.#message(roomId, messageId), undefined, options);
  }

  /** @type {Declared["react"]} */
  react(roomId, messageId, emoji, options) {
    return this.send("PUT", `${this.#message(roomId, messageId)}/reaction`, { emoji }, options);
  }

  /** @type {Declared["takeBackReaction"]} */
  takeBackReaction(roomId, messageId, options) {
    return this.send("DELETE", `${this.#message(roomId, messageId)}/reaction`, undefined, options);
  }

  /** @type {Declared["markRead"]} */
  markRead(roomId, seq, options) {
    return this.send("PUT", `${this.#room(roomId)}/read`, { seq }, options);
  }

  /** @type {Declared["markDelivered"]} */
  markDelivered(roomId, seq, options) {
    return this.send("PUT", `${this.#room(roomId)}/delivered`, { seq }, options);
  }

  /** @type {Declared["makeOffer"]} */
  makeOffer(roomId, offer, options) {
    return this.send("POST", `${this.#room(roomId)}/offers`, offer, options);
  }

  /** @type {Declared["answerOffer"]} */
  answerOffer(roomId, messageId, answer, options) {
    return this.send("POST", `${this.#room(roomId)}/offers/${encodeURIComponent(messageId)}/answer`, answer, options);
  }

  /** @type {Declared["sendImage"]} */
  async sendImage(roomId, image, { clientId = newClientId(), text, replyTo, onProgress, signal } = {}) {
    const form = new FormData();
    form.append("clientId", clientId);
    if (text) form.append("text", text);
    if (replyTo) form.append("replyTo", String(replyTo));
    form.append("image", /** @type {Blob} */ (image));
    return this.#authorized(signal, (token) => this.#upload(`${this.#base}${this.#room(roomId)}/images`, form, token, onProgress, signal));
  }

  /** @type {Declared["search"]} */
  search(words, { limit = 20, cursor, signal } = {}) {
    return this.#get(`/search${query({ q: words, limit, cursor })}`, { signal });
  }

  /** @type {Declared["setProductStatus"]} */
  setProductStatus(productId, status, options) {
    return this.send("PATCH", `/products/${encodeURIComponent(productId)}`, { status }, options);
  }

  /** @type {Declared["listBlocks"]} */
  listBlocks({ limit = 50, cursor, signal } = {}) {
    return this.#get(`/blocks${query({ limit, cursor })}`, { signal });
  }

  /** @type {Declared["block"]} */
  block(userId, options) {
    return this.send("PUT", `/blocks/${encodeURIComponent(userId)}`, undefined, options);
  }

  /** @type {Declared["unblock"]} */
  async unblock(userId, options) {
    await this.send("DELETE", `/blocks/${encodeURIComponent(userId)}`, undefined, options);
  }

  /** @type {Declared["hasBlocked"]} */
  async hasBlocked(userId, options) {
    /** @type {string | undefined} */
    let cursor;
    do {
      /** @type {Page<Block>} */
      const page = await this.listBlocks({ limit: 200, cursor, ...options });
      if (page.items.some(({ user }) => user.id === userId)) return true;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return false;
  }

  /** @type {Declared["report"]} */
  report(report, options) {
    return this.send("POST", "/reports", report, options);
  }

  /** @type {Declared["listCurrencies"]} */
  async listCurrencies(options) {
    return (await this.#public("/currencies", options)).items;
  }

  /** @type {Declared["isOriginAllowed"]} */
  async isOriginAllowed(origin, options) {
    return (await this.#public(`/origin${query({ of: origin })}`, options)).allowed;
  }

  /** @type {Declared["getFeatures"]} */
  async getFeatures(options) {
    try {
      return await this.#public("/features", options);
    } catch (error) {
      if (!(error instanceof HaggleError) || error.status !== 404) throw error;
      return { protocols: [PROTOCOLS[0]], features: [...FEATURES_OF_V1] };
    }
  }

  /**
   * Why no connection can be opened with a fresh token, which a browser doesn't show to its page.
   *
   * @param {boolean} everOpen whether there was a connection before: then both speak the same protocol
   * @returns {Promise<HaggleError | undefined>} `undefined` when nothing stands in the way any more
   */
  async whyNot(everOpen) {
    let error;
    try {
      await this.#tokens.get({ fresh: true });
      await this.getMe();
    } catch (failure) {
      error = failure instanceof HaggleError ? failure : new HaggleError("unreachable", String(failure));
    }
    const origin = globalThis.location?.origin;
    if (error && error.code !== "unreachable") return error;
    if (origin !== undefined && (await this.isOriginAllowed(origin).catch(() => true)) === false) {
      return new HaggleError("origin_refused", `pages of ${origin} may not use this server: its operator can list them with --allowed-origin`);
    }
    if (error || everOpen) return error;
    const { protocols } = await this.getFeatures().catch(() => ({ protocols: PROTOCOLS }));
    if (protocols.some((protocol) => PROTOCOLS.includes(protocol))) return undefined;
    return new HaggleError("unsupported_protocol", `the server speaks ${protocols.join(", ")}, and this client ${PROTOCOLS.join(", ")}`);
  }

  /** @param {string} roomId */
  #room(roomId) {
    return `/rooms/${encodeURIComponent(roomId)}`;
  }

  /**
   * @param {string} roomId
   * @param {string} messageId
   */
  #message(roomId, messageId) {
    return `${this.#room(roomId)}/messages/${encodeURIComponent(messageId)}`;
  }

  /**
   * @param {string} path
   * @param {Abortable} [options]
   */
  #public(path, { signal } = {}) {
    return fetchJson(this.#base + path, { signal }, this.#http);
  }

  /**
   * @param {string} path
   * @param {Abortable} [options]
   */
  #get(path, options) {
    return this.send("GET", path, undefined, options);
  }

  /** @type {Declared["send"]} */
  send(method, path, body, { signal } = {}) {
    const { headers, ...init } = body === undefined ? { headers: {} } : json(body);
    return this.#authorized(signal, (token) =>
      fetchJson(this.#base + path, { ...init, method, signal, headers: { ...headers, authorization: `Bearer ${token}` } }, this.#http),
    );
  }

  /**
   * @param {AbortSignal | undefined} signal
   * @param {(token: string) => Promise<any>} send
   */
  async #authorized(signal, send) {
    const attempt = async (/** @type {boolean} */ fresh) =>
      resolveImages(await send(await unlessAborted(signal, () => this.#tokens.get({ fresh }))), this.#server);
    try {
      return await attempt(false);
    } catch (error) {
      if (error instanceof HaggleError && error.status === 401) return attempt(true);
      throw error;
    }
  }

  /**
   * By `XMLHttpRequest` where there is one, since `fetch` says nothing about how far an upload is.
   *
   * @param {string} url
   * @param {FormData} form
   * @param {string} token
   * @param {((share: number) => void) | undefined} onProgress
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<any>}
   */
  #upload(url, form, token, onProgress, signal) {
    if (this.#http.fetch || !globalThis.XMLHttpRequest) {
      return fetchJson(url, { method: "POST", body: form, signal, headers: { authorization: `Bearer ${token}` } }, this.#http);
    }
    const request = new XMLHttpRequest();
    return new Promise((resolve, reject) => {
      request.open("POST", url);
      request.setRequestHeader("authorization", `Bearer ${token}`);
      request.responseType = "json";
      request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
      request.onload = () => {
        const { status, response } = request;
        if (status >= 200 && status < 300) resolve(response);
        else reject(problem(status, response));
      };
      request.onerror = () => reject(new HaggleError("unreachable", "the server can't be reached"));
      request.onabort = () => signal && reject(abortedBy(signal));
      if (signal?.aborted) return reject(abortedBy(signal));
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      request.send(form);
    });
  }
}
