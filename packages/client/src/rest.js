// @ts-check
import { abortedBy, unlessAborted } from "./abort.js";
import { HaggleError } from "./error.js";
import { fetchJson, json, problem } from "./http.js";
import { resolveImages } from "./images.js";
import { newClientId } from "./outbox.js";
import { FEATURES_OF_V1, PROTOCOLS } from "./protocol.js";

/** @import { ServerClock } from "./clock.js" */
/** @import { TokenSource } from "./token_source.js" */
/** @import { Abortable, Block, Currency, Features, Found, ImageFile, ImageMessage, ImageOptions, InboxItem, Message, OfferAnswer, OfferMessage, Page, PageOptions, Product, ProductStatus, Receipt, ReportCategory, RoomInfo, RoomToken, Settings, TextMessage, User } from "../types/types.d.ts" */

/** @param {Record<string, string | number | undefined>} parameters */
function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}` : "";
}

/**
 * The server's routes for a signed-in user, one method each. A token that is refused is replaced once.
 *
 * Every method fails with a {@link HaggleError}: the server's code, `unreachable`, or `aborted`.
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

  /**
   * The signed-in user.
   * @param {Abortable} [options]
   * @returns {Promise<User>}
   */
  getMe(options) {
    return this.#get("/me", options);
  }

  /**
   * @param {Abortable} [options]
   * @returns {Promise<Settings>}
   */
  getSettings(options) {
    return this.#get("/me/settings", options);
  }

  /**
   * @param {Partial<Settings>} settings those that are left out stay
   * @param {Abortable} [options]
   * @returns {Promise<Settings>}
   */
  setSettings(settings, options) {
    return this.#send("PATCH", "/me/settings", settings, options);
  }

  /**
   * The buyer's room for a product, made when there was none.
   *
   * @param {string} productId
   * @param {Abortable} [options]
   * @returns {Promise<RoomInfo>}
   * @throws {HaggleError} `own_product` for its seller
   */
  openRoom(productId, options) {
    return this.#send("POST", "/rooms", { productId }, options);
  }

  /**
   * Own rooms, latest activity first.
   * @param {PageOptions} [page]
   * @returns {Promise<Page<InboxItem>>}
   */
  listRooms({ limit = 50, cursor, signal } = {}) {
    return this.#get(`/rooms${query({ limit, cursor })}`, { signal });
  }

  /**
   * A room as it stands in one's own list.
   * @param {string} roomId
   * @param {Abortable} [options]
   * @returns {Promise<InboxItem>}
   */
  getRoom(roomId, options) {
    return this.#get(this.#room(roomId), options);
  }

  /**
   * A room token, for a server with `--authorize room-token`. The client fetches its own when it needs them.
   * @param {string} roomId
   * @param {Abortable} [options]
   * @returns {Promise<RoomToken>}
   */
  issueRoomToken(roomId, options) {
    return this.#send("POST", `${this.#room(roomId)}/token`, undefined, options);
  }

  /**
   * A page of a room's history, oldest first. Without `before` and `after` the newest one.
   * @param {string} roomId
   * @param {{before?: number, after?: number, limit?: number, signal?: AbortSignal}} [page] `seq`s, not included
   * @returns {Promise<{items: Message[], hasMore: boolean}>}
   */
  listMessages(roomId, { before, after, limit = 50, signal } = {}) {
    return this.#get(`${this.#room(roomId)}/messages${query({ limit, before, after })}`, { signal });
  }

  /**
   * Says something, as the event `message`. Repeat it with the same `clientId`: it is stored once.
   * @param {string} roomId
   * @param {{text?: string, data?: unknown, clientId?: string}} message
   * @param {Abortable} [options]
   * @returns {Promise<TextMessage>}
   */
  sendMessage(roomId, message, options) {
    return this.#send("POST", `${this.#room(roomId)}/messages`, message, options);
  }

  /**
   * @param {string} roomId
   * @param {string} messageId
   * @param {string} text
   * @param {Abortable} [options]
   * @returns {Promise<Message>}
   */
  editMessage(roomId, messageId, text, options) {
    return this.#send("PATCH", this.#message(roomId, messageId), { text }, options);
  }

  /**
   * @param {string} roomId
   * @param {string} messageId
   * @param {Abortable} [options]
   * @returns {Promise<Message>}
   */
  deleteMessage(roomId, messageId, options) {
    return this.#send("DELETE", this.#message(roomId, messageId), undefined, options);
  }

  /**
   * Says how far one has read. It never goes back.
   * @param {string} roomId
   * @param {number} seq
   * @param {Abortable} [options]
   * @returns {Promise<{readSeq: number}>}
   */
  markRead(roomId, seq, options) {
    return this.#send("PUT", `${this.#room(roomId)}/read`, { seq }, options);
  }

  /**
   * Makes an offer, as the event `offer`. Repeat it with the same `clientId`: it is stored once.
   * @param {string} roomId
   * @param {{amount: number, currency: string, clientId?: string}} offer `amount` in the currency's minor unit
   * @param {Abortable} [options]
   * @returns {Promise<OfferMessage>}
   */
  makeOffer(roomId, offer, options) {
    return this.#send("POST", `${this.#room(roomId)}/offers`, offer, options);
  }

  /**
   * Answers an offer, as the event `answerOffer`.
   * @param {string} roomId
   * @param {string} messageId
   * @param {{answer: OfferAnswer, amount?: number}} answer `amount` for a counter
   * @param {Abortable} [options]
   * @returns {Promise<OfferMessage>} as it now stands
   * @throws {HaggleError} `conflict` when it does not wait any more
   */
  answerOffer(roomId, messageId, answer, options) {
    return this.#send("POST", `${this.#room(roomId)}/offers/${encodeURIComponent(messageId)}/answer`, answer, options);
  }

  /**
   * Sends an image: JPEG, PNG or WebP.
   * @param {string} roomId
   * @param {ImageFile} image
   * @param {ImageOptions} [options]
   * @returns {Promise<ImageMessage>}
   */
  async sendImage(roomId, image, { clientId = newClientId(), text, onProgress, signal } = {}) {
    const form = new FormData();
    form.append("clientId", clientId);
    if (text) form.append("text", text);
    form.append("image", /** @type {Blob} */ (image));
    return this.#authorized(signal, (token) => this.#upload(`${this.#base}${this.#room(roomId)}/images`, form, token, onProgress, signal));
  }

  /**
   * Own messages that hold all of the words, newest first. A page may be short, even empty, and still have a next one.
   * @param {string} words
   * @param {PageOptions} [page]
   * @returns {Promise<Page<Found>>}
   */
  search(words, { limit = 20, cursor, signal } = {}) {
    return this.#get(`/search${query({ q: words, limit, cursor })}`, { signal });
  }

  /**
   * Says where one's own product stands. `on_sale` undoes the acceptance of an offer.
   * @param {string} productId
   * @param {ProductStatus} status
   * @param {Abortable} [options]
   * @returns {Promise<Product>}
   */
  setProductStatus(productId, status, options) {
    return this.#send("PATCH", `/products/${encodeURIComponent(productId)}`, { status }, options);
  }

  /**
   * Whom one has blocked.
   * @param {PageOptions} [page]
   * @returns {Promise<Page<Block>>}
   */
  listBlocks({ limit = 50, cursor, signal } = {}) {
    return this.#get(`/blocks${query({ limit, cursor })}`, { signal });
  }

  /**
   * Closes every conversation with somebody, later ones too. They are not notified.
   * @param {string} userId
   * @param {Abortable} [options]
   * @returns {Promise<Block>}
   */
  block(userId, options) {
    return this.#send("PUT", `/blocks/${encodeURIComponent(userId)}`, undefined, options);
  }

  /**
   * @param {string} userId
   * @param {Abortable} [options]
   * @returns {Promise<void>}
   */
  async unblock(userId, options) {
    await this.#send("DELETE", `/blocks/${encodeURIComponent(userId)}`, undefined, options);
  }

  /**
   * Whether the signed-in user has blocked somebody.
   * @param {string} userId
   * @param {Abortable} [options]
   */
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

  /**
   * Reports the other member of a room, or one of their messages.
   * @param {{roomId: string, messageId?: string, category: ReportCategory, text?: string}} report
   * @param {Abortable} [options]
   * @returns {Promise<Receipt>}
   */
  report(report, options) {
    return this.#send("POST", "/reports", report, options);
  }

  /**
   * The currencies of prices, and how many digits the minor unit of each has.
   * @param {Abortable} [options]
   * @returns {Promise<Currency[]>}
   */
  async listCurrencies(options) {
    return (await this.#public("/currencies", options)).items;
  }

  /**
   * Whether pages of an origin may use this server. The one answer that a page of any origin may read.
   * @param {string} origin such as `location.origin`
   * @param {Abortable} [options]
   * @returns {Promise<boolean>}
   */
  async isOriginAllowed(origin, options) {
    return (await this.#public(`/origin${query({ of: origin })}`, options)).allowed;
  }

  /**
   * What this server offers. A server from before `GET /api/v1/features` offers what all of `haggle.v1` do.
   * @param {Abortable} [options]
   * @returns {Promise<Features>}
   */
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
   * @returns {Promise<HaggleError | undefined>} `undefined` when nothing stands in the way any more
   */
  async whyNot() {
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
    if (error) return error;
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
    return this.#send("GET", path, undefined, options);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {Abortable} [options]
   */
  #send(method, path, body, { signal } = {}) {
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
