// @ts-check
import { en } from "../languages/en.js";
import { priceText } from "./money.js";
import { createContext, useContext } from "./view.js";

/** @typedef {import("../languages/en.js").Strings} Strings */

export const LanguageContext = createContext({ code: "en", t: en });

/** The strings and formats of the language in use. */
export function useLanguage() {
  const { code, t } = useContext(LanguageContext);
  return { code, t, format: formats(code, t) };
}

/** @type {WeakMap<Strings, ReturnType<typeof newFormats>>} formatters are slow to make */
const cache = new WeakMap();

/** @param {string} code @param {Strings} t */
function formats(code, t) {
  let known = cache.get(t);
  if (!known) cache.set(t, (known = newFormats(code, t)));
  return known;
}

/** @param {string} code @param {Strings} t */
function newFormats(code, t) {
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

    /** How long ago, in the largest unit. @param {number} ms */
    ago(ms) {
      const hours = ms / 3_600_000;
      const [count, unit] = /** @type {[number, "minute"]} */ (hours < 1 ? [hours * 60, "minute"] : hours < 24 ? [hours, "hour"] : [hours / 24, "day"]);
      return new Intl.RelativeTimeFormat(code).format(-Math.max(1, Math.floor(count)), unit);
    },

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
