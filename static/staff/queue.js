// @ts-check
import { useEffect, useRef, useState } from "../components/ui/view.js";
import { useDesk } from "./words.js";

/** @typedef {import("./rest.js").Report} Report */
/** @typedef {import("../client/error.js").HaggleError} HaggleError */

/** How often the queue is asked for while somebody looks. An answer that nothing has changed costs no entry of the audit log. */
const POLL_MS = 5_000;

/** After failures in a row, up to this. */
const POLL_MAX_MS = 60_000;

const PAGE_SIZE = 50;

/**
 * What a newer queue has and an older one lacks.
 *
 * @template {{id: string}} T
 * @param {readonly T[]} before
 * @param {readonly T[]} now
 */
export function newOnes(before, now) {
  const known = new Set(before.map(({ id }) => id));
  return now.filter(({ id }) => !known.has(id));
}

/**
 * Says how many came in while one was looking: after the result of an action, not in its place.
 *
 * @param {(count: number) => string} words
 * @returns {(count: number) => void} takes how many more have come in
 */
export function useArrivals(words) {
  const { said, say } = useDesk();
  const [arrived, setArrived] = useState(0);
  useEffect(() => {
    if (arrived === 0 || said) return;
    say(words(arrived));
    setArrived(0);
  }, [arrived, said]);
  return (count) => setArrived((before) => before + count);
}

/**
 * The queue, as it stands: it asks again by itself, but not while nobody sees the page.
 *
 * @param {{state?: string, category?: string, assignee?: string}} filters
 * @param {(reports: Report[]) => void} onNew is called with those that came in while one was looking
 */
export function useQueue({ state, category, assignee }, onNew) {
  const { rest, know } = useDesk();
  const begin = () => {
    const filters = { state, category, assignee };
    return new Queue(async (query, tag) => {
      const found = await rest.listReports({ ...filters, ...query }, tag);
      if (found) know(found.page.users);
      return found;
    });
  };
  const [queue, setQueue] = useState(begin);
  const [, changed] = useState({});
  const heard = useRef(onNew);
  heard.current = onNew;
  useEffect(() => {
    const current = begin();
    setQueue(current);
    current.start((arrived) => {
      changed({});
      if (arrived.length > 0) heard.current(arrived);
    });
    return () => current.stop();
  }, [rest, state, category, assignee]);
  return queue;
}

/**
 * The pages of a list that were read, each with the tag by which it is asked for again.
 *
 * @template {{id: string}} T
 */
export class Queue {
  /** @type {{items: T[], nextCursor?: string, tag?: string}[]} */ #pages = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {(arrived: T[]) => void} */ #changed = () => {};
  #runs = false;
  #list;
  #waitMs = POLL_MS;
  /** Ends with the reading that was asked for last. @type {Promise<void>} */
  #reading = Promise.resolve();
  loaded = false;
  /** @type {HaggleError | undefined} */ failure;

  /**
   * @param {(query: {limit: number, cursor?: string}, tag?: string) => Promise<{page: {items: T[], nextCursor?: string}, tag?: string} | undefined>} list
   *   reads a page; `undefined` for the one with this tag
   */
  constructor(list) {
    this.#list = list;
  }

  get items() {
    return this.#pages.flatMap(({ items }) => items);
  }

  get more() {
    return this.#pages.at(-1)?.nextCursor !== undefined;
  }

  /** @param {(arrived: T[]) => void} changed is called after each reading that changed something */
  start(changed) {
    this.#changed = changed;
    this.#runs = true;
    document.addEventListener("visibilitychange", this.refresh);
    this.refresh();
  }

  stop() {
    this.#runs = false;
    this.#changed = () => {};
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.refresh);
  }

  refresh = () => this.#run(1);

  loadMore = () => this.#run(this.#pages.length + 1);

  /**
   * Reads all pages that were read before. One reading follows the other, and after each, also after one that has failed, the
   * next one has its time.
   *
   * @param {number} count of pages, at least
   */
  async #run(count) {
    const before = this.#reading;
    let end = () => {};
    this.#reading = new Promise((resolve) => (end = resolve));
    await before;
    clearTimeout(this.#timer);
    try {
      if (this.#runs && !document.hidden) await this.#attempt(Math.max(count, this.#pages.length));
    } finally {
      if (this.#runs && !document.hidden) this.#timer = setTimeout(this.refresh, this.#waitMs);
      end();
    }
  }

  /** @param {number} count of pages */
  async #attempt(count) {
    const hadFailed = this.failure !== undefined;
    try {
      const { isNew, arrived } = await this.#read(count);
      this.failure = undefined;
      this.#waitMs = POLL_MS;
      if (isNew || hadFailed) this.#changed(arrived);
    } catch (error) {
      if (typeof (/** @type {any} */ (error)?.code) !== "string") throw error;
      this.failure = /** @type {HaggleError} */ (error);
      this.#waitMs = Math.min(2 * this.#waitMs, POLL_MAX_MS);
      this.#changed([]);
    }
  }

  /** @param {number} count of pages */
  async #read(count) {
    const before = this.items;
    // Of a queue that is not known to its end, an unknown report may be an old one that has moved up.
    const wasComplete = this.loaded && !this.more;
    /** @type {{items: T[], nextCursor?: string, tag?: string}[]} */
    const pages = [];
    let isNew = false;
    /** @type {string | undefined} */
    let cursor;
    for (let index = 0; index < count; index += 1) {
      const known = this.#pages[index];
      // The tag is of a page that began at the same place.
      const isSamePlace = cursor === this.#pages[index - 1]?.nextCursor;
      const found = await this.#list({ limit: PAGE_SIZE, cursor }, isSamePlace ? known?.tag : undefined);
      isNew ||= found !== undefined;
      const page = found ? { ...found.page, tag: found.tag } : known;
      pages.push(page);
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    this.#pages = pages;
    this.loaded = true;
    return { isNew, arrived: wasComplete ? newOnes(before, this.items) : [] };
  }
}
