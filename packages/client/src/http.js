// @ts-check
import { abortedBy, HaggleError } from "./error.js";

/** @import { ServerClock } from "./clock.js" */

/**
 * Sends one request and reads its answer.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @param {{clock?: ServerClock, fetch?: typeof fetch}} [options] `clock` is set by the answer
 * @returns {Promise<any>} the JSON body, `undefined` when there is none
 * @throws {HaggleError} with the `code` of the problem document, `unreachable`, or `aborted`
 */
export async function fetchJson(url, init, { clock, fetch: send = globalThis.fetch } = {}) {
  try {
    const response = await send(url, init);
    clock?.setRoughly(response.headers.get("date"));
    const body = await response.json().catch((error) => {
      // A body that was cut is no answer; one that is absent or no JSON is.
      if (error?.name !== "SyntaxError") throw error;
    });
    if (response.ok) return body;
    throw problem(response.status, body);
  } catch (error) {
    if (error instanceof HaggleError) throw error;
    if (init?.signal?.aborted) throw abortedBy(init.signal);
    throw new HaggleError("unreachable", "the server can't be reached", { cause: error });
  }
}

/**
 * @param {number} status
 * @param {any} body the problem document, if there is one
 */
export function problem(status, body) {
  return new HaggleError(body?.code ?? "internal", body?.detail ?? `HTTP ${status}`, { ...body, status });
}

/** @param {unknown} value */
export const json = (value) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(value) });
