// @ts-check
import { fetchJson, json } from "../client/http.js";

/** @import { Message, Page, Product, RoomInfo, Found, InboxItem, ReportCategory, User } from "@haggle/client" */
/** @import { TokenSource } from "../client/token_source.js" */

/**
 * What the server says to staff, as docs/staff.md has it.
 *
 * @typedef {{role: "staff", id: string} | {role: "service"} | {role: "screen"}} Moderator
 * @typedef {{id: string, reporterId: string, reportedId: string, roomId: string, messageId?: string, category: ReportCategory, text?: string,
 *   messages: Message[], createdAt: string, state: "open" | "decided", decision?: "upheld" | "dismissed", decidedAt?: string, muteUntil?: string, assigneeId?: string}} Report
 * @typedef {User & {createdAt?: string, updatedAt?: string, deletedAt?: string, mutedUntil?: string, banned: boolean, bannedUntil?: string}} UserDetails
 * @typedef {{userId: string, role: "buyer" | "seller", readSeq: number, hasBlocked: boolean, mutedUntil?: string}} StaffMember
 * @typedef {RoomInfo & {members: StaffMember[], lastMessage?: Message, offer?: import("@haggle/client").StandingOffer, lastSeq: number,
 *   closed: boolean, frozen: boolean, staff?: User[]}} StaffRoom
 * @typedef {StaffRoom & {waitingSince?: string}} ListedRoom
 * @typedef {Message & {beforeRemoval?: Message, edits?: {text?: string, replacedAt: string}[]}} StaffMessage
 * @typedef {{user: User, until?: string, reason?: string, by?: Moderator, createdAt?: string}} Sanction
 * @typedef {{id: string, text: string, by: Moderator, createdAt: string}} Note
 * @typedef {{id: string, at: string, by: Moderator, action: string, userId?: string, roomId?: string, messageId?: string, productId?: string,
 *   reportId?: string, reason?: string, details?: Record<string, unknown>}} AuditEntry
 * @typedef {"scam" | "outside_payment" | "harassment" | "prohibited_item"} WarningTemplate
 * @typedef {{process: string, at: string, connections: number, sessions: number, rooms: number, messages: number, deliveries: number, eventsInFlight: number,
 *   writesPending: number, commitFailures: number, nodes: number, natsUp: boolean, screenOpen: boolean,
 *   threads: {thread: string, seconds: number, buckets: {le?: number, count: number}[]}[],
 *   webhook: {notifications: number, notificationsOldestSeconds: number, events: number, eventsOldestSeconds: number}}} Operations
 * @typedef {"users" | "reports"} NoteSubject
 * @typedef {Record<string, string | number | undefined>} Query
 */

/** Codes that mean that the token, and not the request, is refused. On these routes `forbidden` is one of them. */
const REFUSALS = new Set(["unauthenticated", "token_expired", "forbidden", "banned"]);

const idOf = encodeURIComponent;

/** The server's routes for staff, one method each. Each call but an unchanged list and the numbers of a node is an entry of the audit log. */
export class StaffRest {
  #base;
  #refused;

  /**
   * @param {string} base such as `https://chat.example.com/api/v1`
   * @param {TokenSource} tokens
   * @param {(code: string) => void} refused is called when the token is refused
   */
  constructor(base, tokens, refused) {
    this.#base = base;
    /** For the connection to a conversation, too. */
    this.tokens = tokens;
    this.#refused = refused;
  }

  /**
   * A page of the queue.
   *
   * @param {Query} filters
   * @param {string} [tag] of the page that is known
   * @returns {Promise<{page: Page<Report> & {users: User[]}, tag?: string} | undefined>} `undefined` for the page that is known
   */
  listReports(filters, tag) {
    return this.#watch("/reports", filters, tag);
  }

  /**
   * A page of the conversations that the staff looks after.
   *
   * @param {Query} filters
   * @param {string} [tag] of the page that is known
   * @returns {Promise<{page: Page<ListedRoom>, tag?: string} | undefined>} `undefined` for the page that is known
   */
  listRooms(filters, tag) {
    return this.#watch("/staff/rooms", filters, tag);
  }

  /** @param {string} path @param {Query} query @param {string} [tag] @returns {Promise<{page: any, tag?: string} | undefined>} */
  async #watch(path, query, tag) {
    /** @type {Response | undefined} */
    let response;
    const heard = async (/** @type {Response} */ answer) => void (response = answer);
    try {
      const page = await this.#send("GET", path, { query, headers: tag ? { "if-none-match": tag } : {}, heard });
      return { page, tag: response?.headers.get("etag") ?? undefined };
    } catch (error) {
      if (response?.status === 304) return undefined;
      throw error;
    }
  }

  /** @param {string} id @returns {Promise<Report>} */
  getReport(id) {
    return this.#send("GET", `/reports/${idOf(id)}`);
  }

  /** @param {string} id @param {{decision: "upheld" | "dismissed", muteUntil?: string}} decision @param {string} [reason] @returns {Promise<Report>} */
  decideReport(id, decision, reason) {
    return this.#send("PATCH", `/reports/${idOf(id)}`, { query: { reason }, body: decision });
  }

  /** @param {string} id @param {string | null} assignee `me`, somebody's id, or `null` for nobody @returns {Promise<Report>} */
  assignReport(id, assignee) {
    return this.#send("PATCH", `/reports/${idOf(id)}`, { body: { assignee } });
  }

  /** @param {NoteSubject} about @param {string} id @param {string} [cursor] @returns {Promise<Page<Note>>} */
  listNotes(about, id, cursor) {
    return this.#send("GET", `/${about}/${idOf(id)}/notes`, { query: { cursor } });
  }

  /** @param {NoteSubject} about @param {string} id @param {string} text @returns {Promise<Note>} */
  addNote(about, id, text) {
    return this.#send("POST", `/${about}/${idOf(id)}/notes`, { body: { text } });
  }

  /** @param {string} id @returns {Promise<UserDetails>} */
  getUser(id) {
    return this.#send("GET", `/users/${idOf(id)}`);
  }

  /** @param {string} name its beginning @param {string} [cursor] @returns {Promise<Page<User>>} */
  findUsers(name, cursor) {
    return this.#send("GET", "/users", { query: { name, limit: 20, cursor } });
  }

  /** @param {string} id @param {{archived?: "true", cursor?: string}} [part] @returns {Promise<Page<InboxItem>>} */
  listUserRooms(id, part) {
    return this.#send("GET", `/users/${idOf(id)}/rooms`, { query: { limit: 20, ...part } });
  }

  /** @param {string} id @returns {Promise<Blob>} one JSON object per line */
  async exportUser(id) {
    let file = new Blob();
    await this.#send("GET", `/users/${idOf(id)}/export`, { heard: async (answer) => void (answer.ok && (file = await answer.clone().blob())) });
    return file;
  }

  /** @param {string} id @param {string} [reason] @returns {Promise<{sessions?: number}>} */
  endSessions(id, reason) {
    return this.#send("POST", `/users/${idOf(id)}/disconnect`, { query: { reason } });
  }

  /** @param {string} id @param {string} [reason] */
  eraseUser(id, reason) {
    return this.#send("DELETE", `/users/${idOf(id)}`, { query: { reason } });
  }

  /** @param {"mute" | "ban"} kind @param {string} id @param {{until?: string, reason: string}} sanction @returns {Promise<Sanction>} */
  setSanction(kind, id, sanction) {
    return this.#send("PUT", `/users/${idOf(id)}/${kind}`, { body: sanction });
  }

  /** @param {"mute" | "ban"} kind @param {string} id @param {string} [reason] */
  endSanction(kind, id, reason) {
    return this.#send("DELETE", `/users/${idOf(id)}/${kind}`, { query: { reason } });
  }

  /** @param {"mutes" | "bans"} kind @param {string} [cursor] @returns {Promise<Page<Sanction>>} */
  listSanctions(kind, cursor) {
    return this.#send("GET", `/${kind}`, { query: { cursor } });
  }

  /** @param {string} id @param {string} [reason] @returns {Promise<StaffRoom>} */
  getRoom(id, reason) {
    return this.#send("GET", `/rooms/${idOf(id)}`, { query: { reason } });
  }

  /** @param {string} id @param {{before?: number, after?: number, limit?: number, reason?: string}} part @returns {Promise<{items: StaffMessage[], hasMore: boolean}>} */
  listMessages(id, part) {
    return this.#send("GET", `/rooms/${idOf(id)}/messages`, { query: part });
  }

  /** @param {string} room @param {string} message @param {string} reason */
  removeMessage(room, message, reason) {
    return this.#send("DELETE", `/rooms/${idOf(room)}/messages/${idOf(message)}`, { query: { reason } });
  }

  /** @param {string} room @param {string} reason */
  freezeRoom(room, reason) {
    return this.#send("PUT", `/rooms/${idOf(room)}/freeze`, { body: { reason } });
  }

  /** @param {string} room @param {string} [reason] */
  unfreezeRoom(room, reason) {
    return this.#send("DELETE", `/rooms/${idOf(room)}/freeze`, { query: { reason } });
  }

  /** Its user needs no answer. @param {string} room @param {string} [reason] */
  endWait(room, reason) {
    return this.#send("DELETE", `/rooms/${idOf(room)}/waiting`, { query: { reason } });
  }

  /** @param {string} room @param {string} reason */
  joinRoom(room, reason) {
    return this.#send("POST", `/rooms/${idOf(room)}/join`, { body: { reason } });
  }

  /** @param {string} room @param {string} [reason] */
  leaveRoom(room, reason) {
    return this.#send("POST", `/rooms/${idOf(room)}/leave`, { query: { reason } });
  }

  /** @param {string} room @param {{text: string, clientId: string}} message @returns {Promise<Message>} */
  sendMessage(room, message) {
    return this.#send("POST", `/rooms/${idOf(room)}/messages`, { body: message, isOfRoom: true });
  }

  /** @param {string} room @param {{userId: string, template: WarningTemplate, reason: string}} warning @returns {Promise<Message>} */
  warn(room, warning) {
    return this.#send("POST", `/rooms/${idOf(room)}/warnings`, { body: warning });
  }

  /** @param {string} words @param {string} reason @param {string} [cursor] @returns {Promise<Page<Found>>} */
  searchAll(words, reason, cursor) {
    return this.#send("GET", "/search/all", { query: { q: words, reason, cursor } });
  }

  /** @param {string} id @returns {Promise<Product>} */
  getProduct(id) {
    return this.#send("GET", `/products/${idOf(id)}`);
  }

  /** @param {string} id @param {string} [cursor] @returns {Promise<Page<StaffRoom>>} */
  listProductRooms(id, cursor) {
    return this.#send("GET", `/products/${idOf(id)}/rooms`, { query: { cursor } });
  }

  /** @param {string} id @param {string} reason @returns {Promise<Product>} */
  takeDown(id, reason) {
    return this.#send("PUT", `/products/${idOf(id)}/unlisted`, { body: { reason } });
  }

  /** @param {string} id @param {string} [reason] @returns {Promise<Product>} */
  putBack(id, reason) {
    return this.#send("DELETE", `/products/${idOf(id)}/unlisted`, { query: { reason } });
  }

  /** @returns {Promise<Operations>} */
  getOperations() {
    return this.#send("GET", "/operations");
  }

  /**
   * Why there is no connection, as far as the server says so. A token that it refuses ends the sign-in.
   *
   * @returns {Promise<import("../client/error.js").HaggleError | undefined>}
   */
  whyNot() {
    return this.getOperations().then(() => undefined, (error) => error);
  }

  /** @param {Query} filter @param {string} [cursor] @returns {Promise<Page<AuditEntry>>} */
  listAudit(filter, cursor) {
    return this.#send("GET", "/audit", { query: { ...filter, cursor } });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{query?: Query, body?: unknown, headers?: Record<string, string>, heard?: (response: Response) => Promise<void>, isOfRoom?: boolean}} [options]
   *   `heard` gets the answer before its body is read; `isOfRoom`: `forbidden` says that one is not in the room
   * @returns {Promise<any>}
   */
  async #send(method, path, { query = {}, body, headers, heard, isOfRoom = false } = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
    const url = `${this.#base}${path}${given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : ""}`;
    const written = body === undefined ? { headers: {} } : json(body);
    const attempt = async (/** @type {boolean} */ fresh) => {
      const authorization = `Bearer ${await this.tokens.get({ fresh })}`;
      // What staff reads stays in no cache of the browser.
      const init = { ...written, method, cache: /** @type {const} */ ("no-store"), headers: { ...written.headers, ...headers, authorization } };
      const send = async (/** @type {string} */ address, /** @type {RequestInit} */ request) => {
        const response = await fetch(address, request);
        await heard?.(response);
        return response;
      };
      return fetchJson(url, init, { fetch: /** @type {typeof fetch} */ (send) });
    };
    try {
      return await attempt(false).catch((error) => {
        if (error.status === 401) return attempt(true);
        throw error;
      });
    } catch (error) {
      const { code } = /** @type {{code: string}} */ (error);
      if (REFUSALS.has(code) && !(isOfRoom && code === "forbidden")) this.#refused(code);
      throw error;
    }
  }
}
