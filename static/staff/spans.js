// @ts-check

/** How long a mute or a ban lasts. @typedef {"none" | "hour" | "day" | "week" | "month" | "forever"} Span */

const HOUR_MS = 3_600_000;

/** @type {Partial<Record<Span, number>>} */
const LENGTHS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, month: 30 * 24 * HOUR_MS };

/** A mute always ends. @type {Span[]} */
export const MUTE_SPANS = ["hour", "day", "week", "month"];

/** @type {Span[]} */
export const BAN_SPANS = ["week", "month", "forever"];

/** A report may be right without anybody being muted. @type {Span[]} */
export const DECISION_SPANS = ["none", ...MUTE_SPANS];

/**
 * When something ends that begins now.
 *
 * @param {Span} span
 * @param {number} now in milliseconds
 * @returns {string | undefined} RFC 3339; `undefined` for what has no end, and for what is not done at all
 */
export function spanEnd(span, now) {
  const length = LENGTHS[span];
  return length === undefined ? undefined : new Date(now + length).toISOString();
}
