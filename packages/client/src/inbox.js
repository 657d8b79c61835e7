// @ts-check
import { Emitter } from "./emitter.js";
import { unlessAborted } from "./error.js";
import { deliveryOf } from "./receipts.js";

/** @import { Rest } from "./rest.js" */
/** @import { Inbox as Declared } from "../types/index.d.ts" */
/** @import { InboxItem, Page, UnreadTotal } from "../types/types.d.ts" */

/**
 * One of the two lists: how far down it has been read.
 * @typedef {{cursor?: string, loaded: boolean, loading?: Promise<void>}} Reading
 */

/**
 * The signed-in user's rooms, pinned ones first, then latest activity first, live without entering any of them.
 *
 * Emits `change`.
 *
 * @extends {Emitter<{change: void}>}
 */
export class Inbox extends Emitter {
  /** @type {Map<string, InboxItem>} */ #items = new Map();
  /** Rooms that an event was about since a page was asked for. @type {Set<string>} */ #heard = new Set();
  /** @type {Reading} */ #list = { loaded: false };
  /** @type {Reading} */ #archive = { loaded: false };
  /** @type {UnreadTotal | undefined} */ #total;
  #rest;
  #receipts;

  /**
   * @param {Rest} rest
   * @param {import("./receipts.js").Receipts} [receipts] takes each room that is read or heard of
   */
  constructor(rest, receipts) {
    super();
    this.#rest = rest;
    this.#receipts = receipts;
  }

  get items() {
    return this.#sorted((item) => !item.settings?.archived);
  }

  get archived() {
    return this.#sorted((item) => item.settings?.archived);
  }

  get loaded() {
    return this.#list.loaded;
  }

  get hasMore() {
    return this.#list.cursor !== undefined;
  }

  get hasMoreArchived() {
    return !this.#archive.loaded || this.#archive.cursor !== undefined;
  }

  get unread() {
    return this.unreadTotal.messages;
  }

  get unreadTotal() {
    if (this.#total) return this.#total;
    const counts = this.items.map(({ unread }) => unread).filter(Boolean);
    return { rooms: counts.length, messages: counts.reduce((sum, unread) => sum + unread, 0) };
  }

  /** @type {Declared["get"]} */
  get(roomId) {
    return this.#items.get(roomId);
  }

  /** @type {Declared["deliveryOf"]} */
  deliveryOf({ other, lastMessage }) {
    const isOwn = lastMessage && lastMessage.senderId !== other.id && !lastMessage.sender && lastMessage.kind !== "system";
    // A server that knows no such marks leaves them out.
    return isOwn && other.deliveredSeq !== undefined ? deliveryOf(lastMessage.seq, other) : undefined;
  }

  /** @type {Declared["load"]} */
  load({ signal } = {}) {
    return unlessAborted(signal, async () => void (await Promise.all([this.#page(this.#list, undefined), this.#count()])));
  }

  /** @type {Declared["loadMore"]} */
  async loadMore({ signal } = {}) {
    if (this.hasMore) await unlessAborted(signal, () => this.#page(this.#list, this.#list.cursor));
  }

  /** @type {Declared["loadArchived"]} */
  async loadArchived({ signal } = {}) {
    if (this.hasMoreArchived) await unlessAborted(signal, () => this.#page(this.#archive, this.#archive.cursor));
  }

  /** @type {Declared["read"]} */
  async read(roomId, options) {
    const item = await this.#rest.getRoom(roomId, options);
    this.#put(item);
    this.emit("change");
    return item;
  }

  /** @type {Declared["set"]} */
  async set(roomId, settings, options) {
    const now = await this.#rest.setRoomSettings(roomId, settings, options);
    const known = this.#items.get(roomId);
    if (known) this.#items.set(roomId, { ...known, settings: now });
    this.#heard.add(roomId);
    this.emit("change");
    return now;
  }

  /**
   * Takes a `roomUpdated` event.
   * @param {InboxItem & {roomId: string, unreadTotal?: UnreadTotal}} update
   */
  update({ unreadTotal, ...update }) {
    if (unreadTotal) this.#total = unreadTotal;
    this.#heard.add(update.roomId);
    this.#put({ ...update, id: update.roomId });
    this.emit("change");
  }

  /** @param {(item: InboxItem) => boolean | undefined} belongs */
  #sorted(belongs) {
    return [...this.#items.values()].filter((item) => isBegun(item) && belongs(item)).sort(inOrder);
  }

  async #count() {
    const before = this.#total;
    // From a server without a total, the rooms that have been read are counted.
    const total = await this.#rest.getUnread().catch(() => before);
    // An event that came meanwhile knows more.
    if (this.#total === before) this.#total = total;
  }

  /**
   * @param {Reading} reading
   * @param {string | undefined} cursor
   */
  #page(reading, cursor) {
    this.#heard.clear();
    const archived = reading === this.#archive || undefined;
    reading.loading ??= this.#rest
      .listRooms({ cursor, archived })
      .then((page) => {
        for (const item of page.items) if (!this.#heard.has(item.id)) this.#put(item);
        if (!archived && cursor === undefined) this.#forgetMoved(page);
        // A refresh of the first page must not forget how far down the list had been read.
        if (cursor !== undefined || !reading.loaded) reading.cursor = page.nextCursor;
        reading.loaded = true;
        this.emit("change");
      })
      .finally(() => (reading.loading = undefined));
    return reading.loading;
  }

  /**
   * Rooms that would be on the first page, and are not, have been archived elsewhere.
   * @param {Page<InboxItem>} page
   */
  #forgetMoved({ items, nextCursor }) {
    const last = items.at(-1);
    const there = new Set(items.map(({ id }) => id));
    for (const item of this.items) {
      const isAbsent = !there.has(item.id) && !this.#heard.has(item.id);
      if (isAbsent && (nextCursor === undefined || (last && inOrder(item, last) < 0))) this.#items.delete(item.id);
    }
  }

  /** @param {InboxItem} item */
  #put(item) {
    const known = this.#items.get(item.id);
    // A page that was read before an event but arrives after it knows less.
    if (known && (item.lastSeq < known.lastSeq || item.readSeq < known.readSeq)) return;
    this.#items.set(item.id, item);
    this.#receipts?.take(item);
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
 * Pinned rooms first, then latest activity first.
 * @param {InboxItem} a
 * @param {InboxItem} b
 */
function inOrder(a, b) {
  return Number(b.settings?.pinned ?? false) - Number(a.settings?.pinned ?? false) || lastActivity(b).localeCompare(lastActivity(a));
}

/**
 * RFC 3339 in UTC with milliseconds sorts as text.
 * @param {InboxItem} item
 */
function lastActivity(item) {
  return item.lastMessage?.sentAt ?? item.createdAt;
}
