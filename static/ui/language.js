// @ts-check
import { languages } from "../strings.js";
import { priceText } from "./money.js";
import { createContext, useContext } from "./view.js";

/** @typedef {import("../strings.js").LanguageCode} LanguageCode */

const STORAGE_KEY = "haggle.language";

export const LanguageContext = createContext({
  code: /** @type {LanguageCode} */ ("en"),
  /** @type {(code: LanguageCode) => void} */
  choose() {},
});

/** The one that was chosen, else the browser's, else English. */
export function preferredLanguage() {
  const wishes = [localStorage.getItem(STORAGE_KEY), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return /** @type {LanguageCode} */ (wishes.find((code) => code && code in languages) ?? "en");
}

/** @param {LanguageCode} code */
export function rememberLanguage(code) {
  localStorage.setItem(STORAGE_KEY, code);
}

/** The strings and formats of the language in use. */
export function useLanguage() {
  const { code, choose } = useContext(LanguageContext);
  return { code, choose, t: languages[code], format: formats(code) };
}

/** @type {Map<string, ReturnType<typeof newFormats>>} formatters are slow to make */
const cache = new Map();

/** @param {LanguageCode} code */
function formats(code) {
  let known = cache.get(code);
  if (!known) cache.set(code, (known = newFormats(code)));
  return known;
}

/** @param {LanguageCode} code */
function newFormats(code) {
  const t = languages[code];
  const time = new Intl.DateTimeFormat(code, { hour: "numeric", minute: "2-digit" });
  const weekday = new Intl.DateTimeFormat(code, { weekday: "long", month: "long", day: "numeric" });
  const shortDate = new Intl.DateTimeFormat(code, { month: "short", day: "numeric" });
  const clock = (/** @type {string} */ at) => time.format(new Date(at));
  return {
    time: clock,

    /** Today, Yesterday, or the weekday with its date. @param {string} at */
    day: (at) => ["today", "yesterday"].includes(relativeDay(at)) ? t[/** @type {"today"} */ (relativeDay(at))] : weekday.format(new Date(at)),

    /** The shortest that still says when. @param {string} at */
    short(at) {
      const day = relativeDay(at);
      return day === "today" ? clock(at) : day === "yesterday" ? t.yesterday : shortDate.format(new Date(at));
    },

    /**
     * A whole number in the currency's minor unit: 12900 USD is $129.00, 980000 KRW, which has none, is ₩980,000.
     * @param {number | undefined} amount
     * @param {string | undefined} currency
     */
    price: (amount, currency) => priceText(amount, currency, code),

    /** How much of it. @param {number} share 0 to 1 */
    percent: (share) => new Intl.NumberFormat(code, { style: "percent" }).format(share),

    /** A list in a sentence. @param {string[]} words */
    list: (words) => new Intl.ListFormat(code).format(words),
  };
}

/** @param {string} at */
function relativeDay(at) {
  const day = new Date(at).toDateString();
  const now = new Date();
  if (day === now.toDateString()) return "today";
  now.setDate(now.getDate() - 1);
  return day === now.toDateString() ? "yesterday" : "earlier";
}
