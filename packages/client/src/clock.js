// @ts-check

/** The `Date` of an answer over REST is rounded to seconds: only a clock that is off by more is set by it. */
const COARSE_MS = 2_000;

/**
 * The server's time, by which everything is counted down: a device's own clock may be days off, or be set meanwhile.
 *
 * Until the server has said its time, it is the device's.
 */
export class ServerClock {
  /** The server's time minus `performance.now()`, which nobody can set. */
  #aheadMs = Date.now() - performance.now();
  /** Whether the server has said its time. */
  isKnown = false;
  #isExact = false;

  /** Milliseconds since 1970. */
  now() {
    return this.#aheadMs + performance.now();
  }

  /**
   * Takes the `serverTime` of an answer on a wire.
   *
   * @param {string} serverTime RFC 3339
   * @param {number} askedAt `performance.now()` when it was asked for
   */
  set(serverTime, askedAt) {
    const time = Date.parse(serverTime);
    if (Number.isNaN(time)) return;
    const now = performance.now();
    this.#aheadMs = time + (now - askedAt) / 2 - now;
    this.isKnown = this.#isExact = true;
  }

  /**
   * Takes the `Date` header of an answer over REST, until a wire has said it exactly.
   *
   * @param {string | null} date `null` where the header can't be read
   */
  setRoughly(date) {
    const time = Date.parse(date ?? "");
    if (this.#isExact || Number.isNaN(time) || Math.abs(time - this.now()) < COARSE_MS) return;
    this.#aheadMs = time - performance.now();
    this.isKnown = true;
  }
}
