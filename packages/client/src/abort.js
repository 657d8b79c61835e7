// @ts-check
import { HaggleError } from "./error.js";

/**
 * @param {AbortSignal} signal
 * @returns {HaggleError}
 */
export function abortedBy(signal) {
  return new HaggleError("aborted", "aborted by the caller's signal", { cause: signal.reason });
}

/**
 * Starts something, and gives it up as soon as the signal says so.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} start is not called when the signal is aborted already
 * @returns {Promise<T>}
 * @throws {HaggleError} `aborted`
 */
export function unlessAborted(signal, start) {
  if (!signal) return start();
  return new Promise((resolve, reject) => {
    const give = () => reject(abortedBy(signal));
    if (signal.aborted) return give();
    signal.addEventListener("abort", give);
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", give));
  });
}
