// @ts-check
import { useState } from "./view.js";

/** So many fit into a menu on a small screen. */
const PHRASES_MAX = 8;
export const CHARACTERS_MAX = 500;

/** @typedef {ReturnType<typeof usePhrases>} Phrases */

/** Sentences that somebody says again and again, kept in this browser. @param {string} userId */
export function usePhrases(userId) {
  const key = `haggle.phrases.${userId}`;
  const [phrases, setPhrases] = useState(() => read(key));
  /** @param {(phrases: string[]) => string[]} change */
  const change = (change) => {
    const next = change(phrases);
    setPhrases(next);
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      // Where a page may keep nothing, they last as long as the conversation is open.
    }
  };
  return {
    phrases,
    /** @param {string} phrase */
    canAdd: (phrase) => phrase !== "" && phrase.length <= CHARACTERS_MAX && phrases.length < PHRASES_MAX && !phrases.includes(phrase),
    /** @param {string} phrase */
    add: (phrase) => change((known) => [...known.filter((one) => one !== phrase), phrase]),
    /** @param {string} phrase */
    remove: (phrase) => change((known) => known.filter((one) => one !== phrase)),
  };
}

/** @param {string} key @returns {string[]} */
function read(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept.filter((phrase) => typeof phrase === "string").slice(0, PHRASES_MAX) : [];
  } catch {
    return [];
  }
}
