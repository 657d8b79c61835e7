// @ts-check
import { createContext, useContext } from "../components/ui/view.js";
import { languages } from "../strings.js";

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

/** The demo's own strings in the language in use. The components find theirs by the document's language. */
export function useLanguage() {
  const { code, choose } = useContext(LanguageContext);
  return {
    code,
    choose,
    t: languages[code],
  };
}
