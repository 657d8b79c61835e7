// @ts-check

/** @import { Draft, OutboxLocks, OutboxStorage } from "../types/types.d.ts" */

/** A tab that the browser has frozen may hold a lock: what another one has to send does not wait for it longer than this. */
const LOCK_PATIENCE_MS = 15_000;

/**
 * What is unacknowledged, of one user, in all tabs of a browser.
 *
 * Each message has an entry of its own in the storage, so that two tabs that write at the same time can't undo each other's
 * work. A tab hears of the others' entries by a `BroadcastChannel`, and all of them together send one at a time per room,
 * under a lock: in the order in which they were written, and also what a tab left behind that was closed. Where a lock fails
 * two tabs may send the same message, which the server stores once.
 */
export class OutboxStore {
  /** @type {Map<string, Draft>} by `clientId` */ #drafts = new Map();
  /** @type {BroadcastChannel | undefined} */ #channel;
  /** Settles once what the storage holds has been read. @type {Promise<void> | undefined} */ #loading;
  #storage;
  #locks;
  #name;
  #changed;

  /**
   * @param {string} name the same in all tabs of a user
   * @param {(roomId: string) => void} changed by another tab, or by reading the storage
   * @param {{storage?: OutboxStorage, locks?: OutboxLocks}} options
   */
  constructor(name, changed, { storage, locks }) {
    this.#name = name;
    this.#changed = changed;
    this.#storage = storage;
    this.#locks = locks ?? globalThis.navigator?.locks ?? localLocks;
    this.#loading = this.#load();
  }

  /** Hears of other tabs from here on. */
  open() {
    if (!this.#storage || this.#channel || !globalThis.BroadcastChannel) return;
    this.#channel = new BroadcastChannel(this.#name);
    // Node.js: a channel alone keeps no process alive.
    /** @type {any} */ (this.#channel).unref?.();
    this.#channel.onmessage = ({ data: { put, removed } }) => {
      if (put) this.#take(put);
      else if (this.#drafts.has(removed)) this.#forget(removed);
    };
    // What others wrote since the constructor read it.
    this.#loading = this.#load();
  }

  close() {
    this.#channel?.close();
    this.#channel = undefined;
  }

  /**
   * At once where the storage answers at once.
   * @param {() => void} act
   */
  whenLoaded(act) {
    if (this.#loading) void this.#loading.then(act);
    else act();
  }

  /** @param {string} clientId */
  get(clientId) {
    return this.#drafts.get(clientId);
  }

  /** @returns {Draft[]} of all rooms, in the order they were written */
  list() {
    return [...this.#drafts.values()].sort((a, b) => a.order - b.order || (a.clientId < b.clientId ? -1 : 1));
  }

  /** A place after all that are known, by this device's clock where that moves forward. */
  nextOrder() {
    let last = 0;
    for (const { order } of this.#drafts.values()) last = Math.max(last, order);
    return Math.max(Date.now(), last + 1);
  }

  /** @param {Draft} draft new, or changed */
  put(draft) {
    this.#drafts.set(draft.clientId, draft);
    this.#write(() => this.#storage?.setItem(this.#key(draft.clientId), JSON.stringify(draft)));
    this.#channel?.postMessage({ put: draft });
  }

  /** @param {string} clientId */
  remove(clientId) {
    this.#drafts.delete(clientId);
    this.#write(() => this.#storage?.removeItem(this.#key(clientId)));
    this.#channel?.postMessage({ removed: clientId });
  }

  /**
   * Does something that no other tab does for the same room at the same time.
   *
   * @param {string} roomId
   * @param {() => Promise<void>} work
   */
  async alone(roomId, work) {
    await this.#loading;
    if (!this.#storage) return work();
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), LOCK_PATIENCE_MS);
    let begun = false;
    const begin = () => {
      begun = true;
      clearTimeout(timer);
      return work();
    };
    try {
      await this.#locks.request(`${this.#name}/${roomId}`, { signal: patience.signal }, begin);
    } catch (error) {
      if (begun) throw error;
      await begin();
    }
  }

  /** @param {string} clientId */
  #key(clientId) {
    return `${this.#name}/${clientId}`;
  }

  /** @param {() => unknown} write */
  async #write(write) {
    try {
      await write();
    } catch {
      // A full or forbidden storage costs the survival of a reload, not the message.
    }
  }

  /** Web Storage answers at once, so that what was written before a reload is there before the first view. */
  #load() {
    const storage = this.#storage;
    if (!storage) return;
    try {
      const listed = typeof storage.getAllKeys === "function" ? storage.getAllKeys() : undefined;
      const keys = listed ?? Array.from({ length: storage.length ?? 0 }, (_, index) => storage.key?.(index) ?? "");
      if (isPromise(keys)) return keys.then((keys) => this.#read(keys)).catch(() => {});
      return this.#read(keys);
    } catch {
      // A forbidden storage is an empty one.
    }
  }

  /** @param {readonly string[]} keys */
  #read(keys) {
    const reads = [];
    for (const key of keys) {
      if (!key.startsWith(this.#key(""))) continue;
      const value = this.#storage?.getItem(key);
      if (isPromise(value)) reads.push(value.then((text) => this.#parse(text)));
      else this.#parse(value);
    }
    if (reads.length > 0) return Promise.all(reads).then(() => {});
  }

  /** @param {string | null | undefined} text */
  #parse(text) {
    try {
      const draft = JSON.parse(text ?? "");
      if (draft.clientId && draft.roomId && !this.#drafts.has(draft.clientId)) this.#take(draft);
    } catch {
      // Not one of ours.
    }
  }

  /** @param {Draft} draft */
  #take(draft) {
    this.#drafts.set(draft.clientId, draft);
    this.#changed(draft.roomId);
  }

  /** @param {string} clientId */
  #forget(clientId) {
    const roomId = this.#drafts.get(clientId)?.roomId;
    this.#drafts.delete(clientId);
    if (roomId) this.#changed(roomId);
  }
}

/** @type {Map<string, Promise<unknown>>} */
const tails = new Map();

/**
 * Where the runtime has no Web Locks: one at a time within this process.
 * @type {OutboxLocks}
 */
const localLocks = {
  request(name, _options, work) {
    const turn = (tails.get(name) ?? Promise.resolve()).then(work);
    const tail = turn
      .catch(() => {})
      .finally(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
    tails.set(name, tail);
    return turn;
  },
};

/**
 * @template T
 * @param {T | Promise<T>} value
 * @returns {value is Promise<T>}
 */
function isPromise(value) {
  return typeof (/** @type {any} */ (value)?.then) === "function";
}
