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

/** Says how far the messages of each room have reached this device, entered or not, by how it stands in the list. */
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
    // It was read meanwhile, or has reached another device.
    this.#arrived.delete(id);
    // From a server that knows no such mark it is `undefined`, and nothing is said.
    if (lastSeq > /** @type {number} */ (deliveredSeq)) {
      this.#arrived.set(id, lastSeq);
      this.#timer ??= setTimeout(this.#send, DEBOUNCE_MS);
    }
  }

  #send = () => {
    this.#timer = undefined;
    // Without a connection the list is read again with the next one.
    if (this.#connection.state !== "open") return this.#arrived.clear();
    for (const [roomId, seq] of [...this.#arrived].slice(0, ROOMS_AT_ONCE)) {
      this.#arrived.delete(roomId);
      // What fails is said with the room's next message, or the next reading of the list.
      this.#connection.request("delivered", { roomId, seq }).catch(() => {});
    }
    if (this.#arrived.size > 0) this.#timer = setTimeout(this.#send, DEBOUNCE_MS);
  };
}
