// @ts-check
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Room } from "./room.js";
import { Emitter, once } from "./emitter.js";
import { HaggleError, unlessAborted } from "./error.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { plainWire } from "./plain_wire.js";
import { Receipts } from "./receipts.js";
import { Rest } from "./rest.js";
import { RoomTokens } from "./room_tokens.js";
import { TokenSource } from "./token_source.js";

/** @import { HaggleClient as Declared, Signals } from "../types/index.d.ts" */
/** @import { Abortable, ClientEvents, ClientOptions, ConnectionState, ServerEvents } from "../types/types.d.ts" */

/**
 * One signed-in person, one connection, any number of rooms: wires the parts together. `types/index.d.ts` describes it.
 *
 * @extends {Emitter<Signals>}
 */
export class HaggleClient extends Emitter {
  /** @type {Map<string, Room>} */ #rooms = new Map();
  #connection;
  #outbox;
  #roomTokens;
  #receipts;

  /**
   * @param {ClientOptions} options
   * @throws {HaggleError} `no_websocket` where the runtime has none and none is given
   */
  constructor({ userId, baseUrl, fetchToken, storage, locks, wire, roomTokens = false, WebSocket, fetch }) {
    super();
    this.userId = userId;
    /** The server's time, to count down by. */
    this.clock = new ServerClock();
    const tokens = new TokenSource(fetchToken, this.clock);
    const base = baseUrl.replace(/\/$/, "");
    /** The server's routes. */
    this.rest = new Rest(`${base}/api/v1`, tokens, { clock: this.clock, fetch });
    this.#roomTokens = new RoomTokens(roomTokens, (roomId) => this.rest.issueRoomToken(roomId), this.clock);
    this.#connection = new Connection(wire ?? plainWire(base, { WebSocket }), tokens, {
      clock: this.clock,
      server: base,
      whyNot: (everOpen) => this.rest.whyNot(everOpen),
    });
    /** One's own rooms. */
    this.inbox = new Inbox(this.rest, (this.#receipts = new Receipts(this.#connection)));
    this.#outbox = new Outbox(this.#connection, this.#roomTokens, `haggle.outbox/${encodeURIComponent(userId)}`, { storage, locks });

    this.#connection.on("state", (state) => {
      if (state !== "open") for (const room of this.#rooms.values()) room.disconnected();
      this.emit("state", state);
    });
    this.#connection.on("open", () => {
      // Rooms first: the catch-up then stands before what is sent again.
      this.#enterRoomsAgain();
      this.#outbox.flushAll();
    });
    this.#connection.on("stopped", (error) => this.emit("stopped", error));
    this.#connection.on("push", ({ event, data }) => {
      if (event === "roomUpdated") this.inbox.update(data);
      if (event === "message" && data.senderId !== userId) this.#receipts.arrive(data.roomId, data.seq);
      // From another window of the same user, too.
      if ((event === "delivered" || event === "read") && data.userId === userId) this.#receipts.know(data.roomId, data.seq);
      if (data?.roomId) this.#rooms.get(data.roomId)?.push(event, data);
      // It names no room whose token has expired.
      if (event === "error" && data.code === "token_expired" && !data.event) for (const room of this.#rooms.values()) room.reconnected();
      this.emit("push", { event, data });
      if (event !== "push" && event !== "state" && event !== "stopped") this.emit(/** @type {keyof ServerEvents} */ (event), data);
    });
    this.#outbox.on("change", (roomId) => this.#rooms.get(roomId)?.emit("change"));
    this.#outbox.on("acknowledged", (message) => this.#rooms.get(message.roomId)?.receive([message]));
  }

  /** @returns {ConnectionState} */
  get state() {
    return this.#connection.state;
  }

  /** Why there is no connection, where that is known. */
  get error() {
    return this.#connection.error;
  }

  /** The version of the protocol that the server chose from this client's, where the wire says it. */
  get protocol() {
    return this.#connection.protocol;
  }

  /** @type {Declared["connect"]} */
  connect() {
    this.#outbox.open();
    this.#connection.open();
  }

  /** @type {Declared["whenOpen"]} */
  whenOpen({ signal } = {}) {
    return unlessAborted(signal, () =>
      once((resolve, reject) => {
        const look = () => {
          if (this.state === "open") resolve(undefined);
          if (this.state === "closed") reject(this.error ?? new HaggleError("disconnected", "the client was closed"));
        };
        const off = this.on("state", look);
        look();
        return off;
      }),
    );
  }

  /** @type {Declared["reconnectNow"]} */
  reconnectNow() {
    this.#connection.retryNow();
  }

  /** @type {Declared["wake"]} */
  wake() {
    this.#connection.retryNow();
    if (this.#connection.state !== "open") return;
    this.#connection.check();
    this.#enterRoomsAgain();
  }

  /** @type {Declared["close"]} */
  close({ forget = false } = {}) {
    if (forget) this.#outbox.clear();
    this.#outbox.close();
    this.#connection.close();
  }

  /** @type {Declared["room"]} */
  room(roomId) {
    let room = this.#rooms.get(roomId);
    if (!room) {
      room = new Room(roomId, this.userId, this.#connection, this.rest, this.#outbox, this.#roomTokens, this.#receipts);
      this.#rooms.set(roomId, room);
    }
    return room;
  }

  /**
   * Sends an event and waits for its answer. For what {@link Room} has no method for.
   *
   * @template {keyof ClientEvents} Name
   * @param {Name} event
   * @param {ClientEvents[Name]["data"]} data
   * @param {Abortable} [options]
   * @returns {Promise<ClientEvents[Name]["reply"]>}
   * @throws {HaggleError} the server's code, or `disconnected`, `timeout`, `aborted`
   */
  request(event, data, options) {
    return this.#connection.request(event, data, options);
  }

  #enterRoomsAgain() {
    for (const room of this.#rooms.values()) room.reconnected();
    this.inbox.load().catch(() => {
      // The connection is about to be lost as well, and its return reads the inbox again.
    });
  }
}
