// @ts-check

/** @import { Message } from "../types/types.d.ts" */

/**
 * The messages of one room that are known here, in `seq` order, each once. Plain data: no connection, no timers.
 *
 * Pages of history, live pushes, acknowledgements and catch-ups all end in {@link merge}, in whatever order they arrive.
 * What is known is one contiguous run of `seq` from {@link firstSeq} to {@link lastSeq}, plus possibly some messages
 * beyond a gap, which wait until a catch-up has closed it.
 */
export class Timeline {
  /** @type {Map<number, Message>} */ #bySeq = new Map();
  /** The moment of each one's last event. @type {Map<number, number>} */ #live = new Map();
  moment = 0;
  /** `seq` of the oldest known message; 0 while none is known. */
  firstSeq = 0;
  /** End of the contiguous run: what to pass as `after`. 0 while none is known. */
  lastSeq = 0;

  /**
   * @param {Message[]} messages
   * @param {number} [askedAt] the moment of the request; without it they are events
   */
  merge(messages, askedAt = Infinity) {
    for (const message of messages) {
      const known = this.#bySeq.get(message.seq);
      // A reaction changes no time.
      if (/** @type {number} */ (this.#live.get(message.seq)) > askedAt) continue;
      if (askedAt === Infinity) this.#live.set(message.seq, ++this.moment);
      if (!known || isNewer(message, known)) this.#bySeq.set(message.seq, message);
    }
    this.#measure();
  }

  /**
   * Starts the contiguous run. Only for the newest page, which the server guarantees to be without a hole; a live
   * message that overtook it must not become the start.
   *
   * @param {Message[]} page
   * @param {number} lastSeq the room's
   */
  start(page, lastSeq) {
    this.firstSeq = page[0]?.seq ?? lastSeq + 1;
    this.lastSeq = page.at(-1)?.seq ?? lastSeq;
    this.merge(page);
  }

  /** @param {number} seq */
  get(seq) {
    return this.#bySeq.get(seq);
  }

  /** Whether {@link start} has been called. */
  get started() {
    return this.firstSeq > 0;
  }

  /** Whether something beyond {@link lastSeq} is known while what comes before it is not. */
  get hasGap() {
    for (const seq of this.#bySeq.keys()) if (seq > this.lastSeq) return true;
    return false;
  }

  /** Whether there are older messages to ask for: `seq` counts from 1. */
  get hasOlder() {
    return this.firstSeq > 1;
  }

  /**
   * What to show. The signed-in user's own messages show as soon as they are acknowledged; the other member's wait for
   * the gap before them to close, so that nobody reads an answer before its question.
   *
   * @param {string} [ownUserId]
   * @returns {Message[]} oldest first
   */
  list(ownUserId) {
    return [...this.#bySeq.values()]
      .filter(({ seq, senderId }) => seq <= this.lastSeq || senderId === ownUserId)
      .sort((a, b) => a.seq - b.seq);
  }

  #measure() {
    if (!this.started) return;
    while (this.#bySeq.has(this.firstSeq - 1)) this.firstSeq--;
    while (this.#bySeq.has(this.lastSeq + 1)) this.lastSeq++;
  }
}

/**
 * An edit, a deletion and an answer to an offer keep the `seq`; a slow history page must not undo them.
 *
 * @param {Message} message
 * @param {Message} known
 */
function isNewer(message, known) {
  if (known.deletedAt) return false;
  if (message.deletedAt) return true;
  return changedAt(message) >= changedAt(known);
}

/**
 * RFC 3339 in UTC with milliseconds sorts as text.
 * @param {Message} message
 * @returns {string}
 */
function changedAt(message) {
  return message.editedAt ?? (message.kind === "offer" ? message.data?.statusAt : undefined) ?? "";
}
