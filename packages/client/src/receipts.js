// @ts-check

/** @import { Connection } from "./connection.js" */
/** @import { DeliveryState, InboxItem } from "../types/types.d.ts" */

/** What arrives within this time is said together, and of each room this often at most. */
const DEBOUNCE_MS = 1_000;
/** Rooms of which it is said at a time: after a long absence there may be hundreds. */
const ROOMS_AT_ONCE = 10;

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

/** Says how far the messages of each room have reached this device, entered or not. What is read at once says so itself. */
export class Receipts {
  /** Rooms with messages of which the server does not know that they are here. @type {Map<string, number>} */ #arrived = new Map();
  /** @type {any} */ #timer;
  #connection;

  /** @param {Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * Takes how a room stands in one's own list.
   * @param {InboxItem} item
   */
  take({ id, lastSeq, deliveredSeq }) {
    // A server that knows no such mark.
    if (deliveredSeq === undefined) return;
    if (lastSeq <= deliveredSeq) {
      this.#arrived.delete(id);
      return;
    }
    this.#arrived.set(id, lastSeq);
    this.#schedule();
  }

  /**
   * Takes that the server knows of a room's messages: they were read here, or have reached another device.
   * @param {string} roomId
   * @param {number} seq
   */
  known(roomId, seq) {
    if ((this.#arrived.get(roomId) ?? 0) <= seq) this.#arrived.delete(roomId);
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#arrived.clear();
  }

  #schedule() {
    this.#timer ??= setTimeout(() => this.#send(), DEBOUNCE_MS);
  }

  #send() {
    this.#timer = undefined;
    // Without a connection the list is read again with the next one.
    if (this.#connection.state !== "open") return this.#arrived.clear();
    for (const [roomId, seq] of [...this.#arrived].slice(0, ROOMS_AT_ONCE)) {
      this.#arrived.delete(roomId);
      // What fails is said with the room's next message, or the next reading of the list.
      this.#connection.request("delivered", { roomId, seq }).catch(() => {});
    }
    if (this.#arrived.size > 0) this.#schedule();
  }
}
