// @ts-check
import { en } from "./languages/en.js";

/** @typedef {import("./languages/en.js").Strings} Strings */
/** @typedef {Record<string, any>} Words some of the strings, nested as they are */

/** @type {Map<string, Strings>} by code */
const known = new Map([["en", en]]);

/** Those that come with the package, each a module that is read when it is needed. @type {Record<string, () => Promise<Words>>} */
const included = {
  ko: async () => (await import("./languages/ko.js")).ko,
  de: async () => (await import("./languages/de.js")).de,
};

/**
 * Adds a language, or replaces one. What it lacks is said in English.
 *
 * @param {string} code such as `fr` or `pt-BR` (BCP 47)
 * @param {Words} strings
 */
export function registerLanguage(code, strings) {
  known.set(code.toLowerCase(), merge(en, strings));
}

/**
 * Reads a language that comes with the package, unless it is there.
 *
 * @param {string} tag such as `ko-KR`
 * @returns {Promise<void>} settled when it is there, also for one that nobody has
 */
export async function loadLanguage(tag) {
  const code = tag.toLowerCase().split("-")[0];
  if (!known.has(tag.toLowerCase()) && !known.has(code) && Object.hasOwn(included, code)) registerLanguage(code, await included[code]());
}

/**
 * The strings for a language: the most special ones that are there, and else English.
 *
 * @param {string} tag
 * @param {Words} [own] in place of some of them
 * @returns {{code: string, t: Strings}}
 */
export function languageOf(tag, own) {
  const wanted = [tag.toLowerCase(), tag.toLowerCase().split("-")[0]];
  const code = wanted.find((code) => known.has(code)) ?? "en";
  const t = /** @type {Strings} */ (known.get(code));
  return { code, t: own ? merge(t, own) : t };
}

/**
 * @template {Words} T
 * @param {T} whole
 * @param {Words} some
 * @returns {T}
 */
function merge(whole, some) {
  const merged = { ...whole };
  for (const [name, value] of Object.entries(some)) {
    const before = Object.hasOwn(whole, name) ? whole[name] : undefined;
    /** @type {Words} */ (merged)[name] = typeof before === "object" && typeof value === "object" ? merge(before, value) : value;
  }
  return merged;
}
