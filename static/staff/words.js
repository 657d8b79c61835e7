// @ts-check
import { priceText } from "../components/ui/money.js";
import { useLanguage as useComponentsLanguage } from "../components/ui/language.js";
import { createContext, useContext } from "../components/ui/view.js";
import { useLanguage } from "../ui/language.js";
import { en } from "./languages/en.js";
import { ko } from "./languages/ko.js";

/** @typedef {import("./languages/en.js").Words} Words */
/** @typedef {import("./rest.js").Moderator} Moderator */

/** @type {Record<string, Words>} */
const languages = { en, ko };

/** @type {Map<string, Intl.DateTimeFormat>} formatters are slow to make */
const moments = new Map();

/** @param {string} code */
function momentOf(code) {
  let known = moments.get(code);
  if (!known) moments.set(code, (known = new Intl.DateTimeFormat(code, { dateStyle: "medium", timeStyle: "short" })));
  return known;
}

/** The desk's strings in the language in use, those of the components, and formats. */
export function useWords() {
  const { code } = useLanguage();
  const components = useComponentsLanguage();
  const t = languages[code];
  return {
    code,
    t,
    /** The components' own strings and formats, for what both show. */
    chat: components,
    /** @param {number | undefined} amount @param {string | undefined} currency */
    price: (amount, currency) => priceText(amount, currency, code),
    /** @param {string} at */
    moment: (at) => momentOf(code).format(new Date(at)),
    /** With as many digits as one can take in at a glance. @param {number} value */
    count: (value) => new Intl.NumberFormat(code, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value),
    /** @param {number} value at most so many seconds */
    seconds: (value) => (value < 1 ? new Intl.NumberFormat(code, { style: "unit", unit: "millisecond", maximumSignificantDigits: 2 }).format(value * 1000) : new Intl.NumberFormat(code, { style: "unit", unit: "second", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)),
    /** @param {number} value 1 is all */
    share: (value) => new Intl.NumberFormat(code, { style: "percent", maximumFractionDigits: value < 0.1 ? 1 : 0 }).format(value),
    /** @param {Moderator | undefined} by */
    moderator: (by) => (by?.role === "staff" ? by.id : t.backend),
    /** What failed, and what to do next. @param {{code?: string, message?: string, requestId?: string}} failure */
    failureText: ({ code: failed = "", message = "", requestId }) => t.failures[failed] ?? (failed === "invalid" ? t.invalid(message) : t.somethingFailed(requestId ?? "")),
  };
}

/**
 * What every view of the desk works with.
 *
 * @typedef {object} DeskTools
 * @property {import("./rest.js").StaffRest} rest
 * @property {import("./token.js").Holder} me
 * @property {{current?: ({words: string, reason: string} | {name: string}) & {opened?: string}}} lastSearch for the way back to it: nothing of it is in the address, which others may see
 * @property {Map<string, string>} lastReasons the reason that was given last for each report
 * @property {import("./samples.js").Samples} samples what was seen of the nodes
 * @property {string} said what is shown as a result now
 * @property {(text: string) => void} say shows a result, also to screen readers
 * @property {(action: import("./action_dialog.js").Action) => void} ask opens the dialog of an action
 * @property {Map<string, import("@haggle/client").User>} people those whose names were read
 * @property {(users: import("@haggle/client").User[]) => void} know adds to them
 */
export const DeskContext = createContext(/** @type {DeskTools} */ (/** @type {unknown} */ (undefined)));

/** @returns {DeskTools} */
export const useDesk = () => useContext(DeskContext);
