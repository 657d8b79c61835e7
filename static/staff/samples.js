// @ts-check
/** @typedef {import("./rest.js").Operations} Operations */

/** How often the numbers are asked for while somebody looks. */
export const SAMPLE_MS = 5_000;

/** How much of them is kept. */
export const KEPT_MS = 10 * 60_000;

/**
 * One look at a node, with what has happened since the look before. `per`: per second; absent where the look before is none of the same
 * start, or too long ago.
 *
 * @typedef {object} Sample
 * @property {number} at
 * @property {Operations} now
 * @property {{messages: number, deliveries: number, threads: Record<string, {longest: number, busy: number}>}} [per]
 *   `longest`: a bound in seconds of the longest step, 0 without one; `busy`: the share of the time, of one thread
 */

/** What was seen of each node, the newest last. */
export class Samples {
  /** @type {Map<string, Sample[]>} */ #nodes = new Map();

  /** Those of which something is kept, the one first that was seen first. */
  get nodes() {
    return [...this.#nodes.keys()];
  }

  /** @param {string} node @returns {readonly Sample[]} */
  of(node) {
    return this.#nodes.get(node) ?? [];
  }

  /** @param {Operations} now */
  add(now) {
    const at = Date.parse(now.at);
    for (const [node, samples] of this.#nodes) {
      const kept = samples.filter((sample) => sample.at > at - KEPT_MS);
      if (kept.length > 0) this.#nodes.set(node, kept);
      else this.#nodes.delete(node);
    }
    const samples = this.#nodes.get(now.process) ?? [];
    const before = samples.at(-1);
    if (before && before.at >= at) return;
    this.#nodes.set(now.process, [...samples, { at, now, per: before && at - before.at < 4 * SAMPLE_MS ? between(before.now, now, (at - before.at) / 1000) : undefined }]);
  }
}

/** @param {Operations} before @param {Operations} now @param {number} seconds @returns {Sample["per"]} */
function between(before, now, seconds) {
  const threads = now.threads.map((thread, index) => {
    const earlier = before.threads[index];
    const busy = (thread.seconds - earlier.seconds) / seconds;
    return /** @type {const} */ ([thread.thread, { longest: longestStep(earlier.buckets, thread.buckets), busy }]);
  });
  return {
    messages: (now.messages - before.messages) / seconds,
    deliveries: (now.deliveries - before.deliveries) / seconds,
    threads: Object.fromEntries(threads),
  };
}

/**
 * The bound of the last bucket that has got a step, in seconds. For one above all bounds, the largest bound.
 *
 * @param {{le?: number, count: number}[]} before
 * @param {{le?: number, count: number}[]} now
 */
export function longestStep(before, now) {
  let [longest, below, bound] = [0, 0, 0];
  for (const [index, { le = bound, count }] of now.entries()) {
    const upTo = count - before[index].count;
    if (upTo > below) longest = le;
    [below, bound] = [upTo, le];
  }
  return longest;
}
