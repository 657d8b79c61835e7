/** How long anything may take before a test fails. Nothing waits for it to be over but a test that fails. */
export const DEADLINE_MS = Number(process.env.DEADLINE_MS ?? 15_000);

/**
 * The promise, or a failure when it takes too long.
 *
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @param {() => string} complaint
 * @returns {Promise<T>}
 */
export function within(ms, promise, complaint) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${ms} ms: ${complaint()}`)), ms);
    // What lost a race must not keep the process waiting for its deadline.
    timer.unref();
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What arrived, in order, kept until somebody asks: nothing is missed between two waits. */
export class Log {
  entries = [];
  #waiting = new Set();

  add(entry) {
    this.entries.push(entry);
    for (const look of [...this.#waiting]) look();
  }

  /** The first entry, past or future, that fits. */
  async find(fits, what = fits, ms = DEADLINE_MS) {
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const entry = this.entries.find(fits);
        if (entry !== undefined) resolve(entry);
      };
      this.#waiting.add(look);
      look();
    });
    const complaint = () => `no ${what}; there was ${JSON.stringify(this.entries).slice(0, 2000)}`;
    return within(ms, found, complaint).finally(() => this.#waiting.delete(look));
  }
}

/** Waits until something is so. */
export async function until(isSo, what) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
