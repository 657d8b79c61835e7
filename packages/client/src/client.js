// @ts-check
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { plainWire } from "./plain_wire.js";
import { Rest } from "./rest.js";
import { Room } from "./room.js";
import { TokenSource } from "./token_source.js";

/**
 * A haggle client for the browser: one signed-in person, one connection, any number of rooms. No DOM, no dependencies.
 *
 * ```js
 * const client = new HaggleClient({
 *   userId: "mina",
 *   baseUrl: "https://chat.example.com",
 *   fetchToken: () => fetch("/my/backend/chat-token").then((response) => response.text()),
 * });
 * client.inbox.on("change", () => showInbox(client.inbox.items, client.inbox.unread));
 * client.connect();
 *
 * const room = client.room(roomId);
 * room.on("change", () => showConversation(room.messages, room.drafts, room.other));
 * room.enter();
 * room.send("Hello, is it still for sale?");
 * ```
 *
 * What it takes care of: fresh tokens, reconnection by the server's rules, catching up in order and without doubles,
 * sending again what was not acknowledged.
 *
 * Emits:
 * - `state` with a {@link import("./types.js").ConnectionState}
 * - `stopped` with a {@link import("./error.js").HaggleError}: the server asked not to come back, or (`origin_refused`) takes no
 *   connection from pages of this origin
 */
export class HaggleClient extends Emitter {
  /** @type {Map<string, Room>} */ #rooms = new Map();
  #connection;
  #outbox;

  /**
   * @param {object} options
   * @param {string} options.userId the `sub` of the tokens
   * @param {string} options.baseUrl the server's origin
   * @param {() => Promise<string>} options.fetchToken asks the marketplace's backend for a JWT of that user
   * @param {Pick<Storage, "getItem" | "setItem">} [options.storage] keeps unacknowledged messages over a reload
   * @param {import("./types.js").Wire} [options.wire] how events travel: plain WebSocket unless told otherwise
   */
  constructor({ userId, baseUrl, fetchToken, storage, wire }) {
    super();
    this.userId = userId;
    /** The server's time, to count down by. */
    this.clock = new ServerClock();
    const tokens = new TokenSource(fetchToken, this.clock);
    const base = baseUrl.replace(/\/$/, "");
    this.rest = new Rest(`${base}/api/v1`, tokens, this.clock);
    this.inbox = new Inbox(this.rest);
    this.#connection = new Connection(wire ?? plainWire(base), tokens, {
      clock: this.clock,
      server: base,
      whyNot: () => this.rest.whyNot(),
    });
    this.#outbox = new Outbox(this.#connection, { storage, storageKey: `haggle.outbox.${userId}` });

    this.#connection.on("state", (state) => {
      if (state !== "open") for (const room of this.#rooms.values()) room.disconnected();
      this.emit("state", state);
    });
    this.#connection.on("open", () => {
      // Rooms first: the catch-up then stands before what is sent again.
      for (const room of this.#rooms.values()) room.reconnected();
      this.#outbox.flushAll();
      this.inbox.load().catch(() => {
        // The connection is about to be lost as well, and its return reads the inbox again.
      });
    });
    this.#connection.on("stopped", (error) => this.emit("stopped", error));
    this.#connection.on("push", ({ event, data }) => {
      if (event === "roomUpdated") this.inbox.update(data);
      if (data?.roomId) this.#rooms.get(data.roomId)?.push(event, data);
    });
    this.#outbox.on("change", (roomId) => this.#rooms.get(roomId)?.emit("change"));
    this.#outbox.on("acknowledged", (message) => this.#rooms.get(message.roomId)?.receive([message]));
  }

  /** @returns {import("./types.js").ConnectionState} */
  get state() {
    return this.#connection.state;
  }

  connect() {
    this.#connection.open();
  }

  /** Reconnects now instead of when the backoff ends. */
  reconnectNow() {
    this.#connection.retryNow();
  }

  /**
   * To be called when the page comes back from a long sleep. A connection that died meanwhile looks open until something
   * is sent over it: the rooms are asked for what was missed, and silence ends it.
   */
  wake() {
    this.#connection.retryNow();
    if (this.#connection.state !== "open") return;
    this.#connection.check();
    for (const room of this.#rooms.values()) room.reconnected();
    this.inbox.load().catch(() => {
      // The same silence ends the connection, and its return reads the inbox again.
    });
  }

  /** Ends everything. Make a new client for another person. */
  close() {
    this.#connection.close();
  }

  /**
   * The room with that id, the same object each time. Nothing travels before its `enter()`.
   * @param {string} roomId
   */
  room(roomId) {
    let room = this.#rooms.get(roomId);
    if (!room) {
      room = new Room(roomId, this.userId, this.#connection, this.rest, this.#outbox);
      this.#rooms.set(roomId, room);
    }
    return room;
  }
}
