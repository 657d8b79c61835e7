// @ts-check
import { Emitter } from "./emitter.js";
import { unlessAborted } from "./error.js";

/** @import { Rest } from "./rest.js" */
/** @import { Inbox as Declared } from "../types/index.d.ts" */
/** @import { InboxItem } from "../types/types.d.ts" */

/**
 * The signed-in user's rooms, latest activity first, live without entering any of them.
 *
 * Emits `change`.
 *
 * @extends {Emitter<{change: void}>}
 */
export class Inbox extends Emitter {
  /** @type {Map<string, InboxItem>} */ #items = new Map();
  /** @type {string | undefined} */ #nextCursor;
  /** @type {Promise<void> | undefined} */ #loading;
  loaded = false;
  #rest;

  /** @param {Rest} rest */
  constructor(rest) {
    super();
    this.#rest = rest;
  }

  get items() {
    return [...this.#items.values()].filter(isBegun).sort((a, b) => lastActivity(b).localeCompare(lastActivity(a)));
  }

  /** @type {Declared["get"]} */
  get(roomId) {
    return this.#items.get(roomId);
  }

  get unread() {
    let sum = 0;
    for (const { unread } of this.#items.values()) sum += unread;
    return sum;
  }

  get hasMore() {
    return this.#nextCursor !== undefined;
  }

  /** @type {Declared["load"]} */
  load({ signal } = {}) {
    return unlessAborted(signal, () => this.#page(undefined));
  }

  /** @type {Declared["loadMore"]} */
  async loadMore({ signal } = {}) {
    if (this.#nextCursor !== undefined) await unlessAborted(signal, () => this.#page(this.#nextCursor));
  }

  /**
   * Takes a `roomUpdated` event.
   * @param {InboxItem & {roomId: string}} update
   */
  update(update) {
    this.#put({ ...update, id: update.roomId });
    this.emit("change");
  }

  /** @param {string | undefined} cursor */
  #page(cursor) {
    this.#loading ??= this.#rest
      .listRooms({ cursor })
      .then(({ items, nextCursor }) => {
        for (const item of items) this.#put(item);
        // A refresh of the first page must not forget how far down the list had been read.
        if (cursor !== undefined || !this.loaded) this.#nextCursor = nextCursor;
        this.loaded = true;
        this.emit("change");
      })
      .finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** @param {InboxItem} item */
  #put(item) {
    const known = this.#items.get(item.id);
    // A page that was read before an event but arrives after it knows less.
    if (known && (item.lastSeq < known.lastSeq || item.readSeq < known.readSeq)) return;
    this.#items.set(item.id, item);
  }
}

/**
 * A seller hears of a buyer with the buyer's first message; one who has opened a room finds it at once.
 * @param {InboxItem} item
 */
function isBegun({ lastSeq, other, seller }) {
  return lastSeq > 0 || other.id === seller.id;
}

/**
 * RFC 3339 in UTC with milliseconds sorts as text.
 * @param {InboxItem} item
 */
function lastActivity(item) {
  return item.lastMessage?.sentAt ?? item.createdAt;
}
