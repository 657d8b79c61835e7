// @ts-check

/** @import { Connection } from "./connection.js" */
/** @import { DeliveryState } from "../types/types.d.ts" */

/** Of each room it is said once within this time at most. */
const THROTTLE_MS = 1_000;
/** Rooms of which it is said within that time: each one is an event of the user's, who has a rate of them. */
const ROOMS_AT_ONCE = 2;

/**
 * How far a message of one's own has come, by the other member's marks.
 *
 * @param {number} seq
 * @param {{readSeq?: number, deliveredSeq?: number}} [other] without marks from a server that knows none
 * @returns {DeliveryState}
 */
export function deliveryOf(seq, { readSeq = 0, deliveredSeq = 0 } = {}) {
  return seq <= readSeq ? "read" : seq <= deliveredSeq ? "delivered" : "sent";
}

/**
 * Says how far the messages of each room have reached this device, entered or not.
 *
 * Throttled per room: the first message is said at once, and what follows within a second at its end. The server says at once that what
 * was read has been delivered. If nothing else were said at once, that would show a read mark that its reader does not share.
 */
export class Receipts {
  /** The newest message of each room that is here, where the server may not know it. @type {Map<string, number>} */ #arrived = new Map();
  /** How far the server knows it, or is being notified; `Infinity` where it refuses that. @type {Map<string, number>} */ #known = new Map();
  /** Rooms of which it was said within {@link THROTTLE_MS}. @type {Set<string>} */ #throttled = new Set();
  #connection;

  /** @param {Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * Takes how a room stands in one's own list.
   * @param {{id: string, lastSeq: number, deliveredSeq?: number}} item without `deliveredSeq` from a server that knows no such mark
   */
  take({ id, lastSeq, deliveredSeq }) {
    this.know(id, deliveredSeq);
    this.arrive(id, lastSeq);
  }

  /**
   * A room was entered: what was refused before is asked again.
   * @param {string} roomId
   * @param {number} seq of its newest message
   */
  enter(roomId, seq) {
    if (this.#known.get(roomId) === Infinity) this.#known.set(roomId, -1);
    this.arrive(roomId, seq);
  }

  /**
   * Messages are here.
   * @param {string} roomId
   * @param {number} seq of the newest one
   */
  arrive(roomId, seq) {
    this.#arrived.set(roomId, seq);
    this.#send();
  }

  /**
   * The server knows it: this client or another one of the user's has said it, or it was read.
   * @param {string} roomId
   * @param {any} seq `undefined` from a server that knows no such mark
   */
  know(roomId, seq) {
    if (seq > (this.#known.get(roomId) ?? -1)) this.#known.set(roomId, seq);
  }

  #send() {
    // Without a connection the list is read again with the next one.
    if (this.#connection.state !== "open") this.#arrived.clear();
    for (const [roomId, seq] of this.#arrived) {
      if (this.#throttled.size >= ROOMS_AT_ONCE) return;
      if (this.#throttled.has(roomId)) continue;
      this.#arrived.delete(roomId);
      // It is `undefined` for a room that is not in the list yet, and from a server without such marks.
      if (!(seq > /** @type {number} */ (this.#known.get(roomId)))) continue;
      this.#known.set(roomId, seq);
      this.#throttled.add(roomId);
      setTimeout(() => {
        this.#throttled.delete(roomId);
        this.#send();
      }, THROTTLE_MS);
      // What fails is said with the next reading of the list. What is forbidden stays so until the room is entered.
      this.#connection.request("delivered", { roomId, seq }).catch(({ code }) => this.#known.set(roomId, code === "forbidden" ? Infinity : -1));
    }
  }
}
