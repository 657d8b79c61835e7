// @ts-check

/**
 * Delay before reconnection attempt number `attempt` (0 is the first): exponential, with "equal jitter".
 *
 * Half of the delay is fixed, so that a restarting server gets air; half is random, so that its thousand clients do not
 * all return in the same millisecond.
 *
 * @param {number} attempt
 * @param {{baseMs?: number, capMs?: number, random?: () => number}} [options]
 * @returns {number} milliseconds; with the defaults 250–500, 500–1000, 1000–2000 … 7500–15000
 */
export function backoffMs(attempt, { baseMs = 500, capMs = 15000, random = Math.random } = {}) {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 20));
  return ceiling / 2 + random() * (ceiling / 2);
}
