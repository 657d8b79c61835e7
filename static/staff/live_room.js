// @ts-check

/** @typedef {import("./rest.js").StaffMessage} StaffMessage */
/** @typedef {import("../client/connection.js").Connection} Connection */

/** After a failure that may pass. */
const RETRY_MS = 2_000;

/** After a fault of the server's, which seldom passes soon. */
const FAULT_RETRY_MS = 30_000;

/**
 * What hears of a conversation.
 *
 * @typedef {object} Listener
 * @property {() => {first: number, last: number, isAtEnd: boolean}} shown what of the conversation is shown, by `seq`
 * @property {(messages: StaffMessage[], isLive: boolean) => void} heard messages as they now stand; `isLive`: not those of an entry
 * @property {(userId: string, seq: number) => void} read
 * @property {(userId: string, typing: boolean) => void} typing
 * @property {(facts: {frozen?: boolean, closed?: boolean}) => void} entered
 * @property {(isLive: boolean) => void} live
 * @property {() => void} refused one is not in it any more
 */

/**
 * The connection of somebody of the staff to one conversation that they have joined, with their own token. It comes back by
 * itself, and is closed while nobody sees the page. What carries it is loaded with the first one.
 */
export class LiveRoom {
  /** @type {Promise<Connection | undefined> | undefined} */ #loading;
  /** @type {Connection | undefined} */ #connection;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  #runs = true;
  #rest;
  #roomId;
  #on;

  /**
   * @param {import("./rest.js").StaffRest} rest
   * @param {string} roomId
   * @param {Listener} listener
   */
  constructor(rest, roomId, listener) {
    this.#rest = rest;
    this.#roomId = roomId;
    this.#on = listener;
    document.addEventListener("visibilitychange", this.#look);
    void this.#look();
  }

  /** Ends the connection for good. */
  stop() {
    this.#runs = false;
    clearTimeout(this.#retry);
    document.removeEventListener("visibilitychange", this.#look);
    this.#connection?.close();
  }

  #look = async () => {
    if (!this.#runs) return;
    if (document.hidden) return this.#connection?.close();
    this.#loading ??= this.#load();
    this.#connection = await this.#loading;
    if (this.#runs && !document.hidden) this.#connection?.open();
  };

  /** @returns {Promise<Connection | undefined>} */
  async #load() {
    try {
      const [{ Connection }, { plainWire }] = await Promise.all([import("../client/connection.js"), import("../client/plain_wire.js")]);
      return this.#listenTo(new Connection(plainWire(location.origin), this.#rest.tokens, { whyNot: () => this.#rest.whyNot() }));
    } catch {
      // No module came: the server can't be reached.
      this.#loading = undefined;
      if (this.#runs) {
        this.#on.live(false);
        setTimeout(this.#look, RETRY_MS);
      }
      return undefined;
    }
  }

  /** @param {Connection} connection */
  #listenTo(connection) {
    connection.on("open", () => this.#enter(connection));
    connection.on("state", (state) => (state === "waiting" || state === "closed") && this.#runs && this.#on.live(false));
    // The token's end is the whole desk's business.
    connection.on("stopped", () => void this.#rest.whyNot());
    connection.on("push", ({ event, data }) => {
      if (!this.#runs || data?.roomId !== this.#roomId) {
        // A right that was lost names no event. It follows the notice that says so, which the listener has heard.
        if (this.#runs && event === "error" && data.code === "forbidden" && !data.event) this.#on.refused();
        return;
      }
      if (event === "message" || event === "messageUpdated") this.#on.heard([data], true);
      if (event === "read") this.#on.read(data.userId, data.seq);
      if (event === "typing") this.#on.typing(data.userId, data.typing);
    });
    return connection;
  }

  /**
   * Enters the room, and reads again what is shown: edits and removals have no `seq` of their own, by which one could catch up.
   *
   * @param {Connection} connection
   */
  async #enter(connection) {
    clearTimeout(this.#retry);
    const { first, last, isAtEnd } = this.#on.shown();
    try {
      let after = first - 1;
      for (let more = true; more && this.#runs; ) {
        const entered = await connection.request("enterRoom", { roomId: this.#roomId, after });
        if (!this.#runs) return;
        this.#on.heard(entered.messages, false);
        this.#on.entered(entered);
        more = entered.hasMore && entered.messages.length > 0;
        after = entered.messages.at(-1)?.seq ?? after;
        // Anyone who reads an earlier part is sent what is said from now on, and not all that lies between.
        if (more && !isAtEnd && after >= last) after = entered.lastSeq;
      }
      this.#on.live(true);
    } catch (error) {
      const { code, retryAfterMs, isTransient } = /** @type {import("../client/error.js").HaggleError} */ (error);
      if (!code) throw error;
      if (!this.#runs || connection.state !== "open") return;
      if (code === "forbidden") return this.#on.refused();
      if (!isTransient) this.#on.live(false);
      if (!isTransient && code !== "internal") return;
      const pauseMs = isTransient ? (retryAfterMs ?? RETRY_MS) : FAULT_RETRY_MS;
      this.#retry = setTimeout(() => this.#runs && connection.state === "open" && this.#enter(connection), pauseMs);
    }
  }
}
