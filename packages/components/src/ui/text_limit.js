// @ts-check

/** So close to the limit, what is left is shown. */
const NEAR_BYTES = 1024;
const encoder = new TextEncoder();

/**
 * How many more characters like those of a text fit into a message, whose limit is in bytes of UTF-8: a Korean syllable has three.
 *
 * @param {string} text
 * @param {number} bytesMax
 * @returns {number | undefined} negative where it is too long, nothing while there is plenty of room
 */
export function charactersLeft(text, bytesMax) {
  const bytes = encoder.encode(text).length;
  return bytes > bytesMax - NEAR_BYTES ? Math.floor(((bytesMax - bytes) * text.length) / bytes) : undefined;
}
