// @ts-check
import { Dialog } from "./dialog.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useState } from "./view.js";

/** So many fit into a menu on a small screen. */
const PHRASES_MAX = 8;
const CHARACTERS_MAX = 500;

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

/**
 * Adds and removes them.
 *
 * @param {{saved: ReturnType<typeof usePhrases>, onClose: () => void}} props
 */
export function PhrasesDialog({ saved: { phrases, canAdd, add, remove }, onClose }) {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const phrase = text.trim();
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!canAdd(phrase)) return;
    add(phrase);
    setText("");
  };
  return html`<${Dialog} title=${t.phrases.title} onClose=${onClose}>
    ${() => html`<ul class="phrases">
        ${phrases.map(
          (phrase) => html`<li key=${phrase}>
            <span dir="auto">${phrase}</span>
            <button type="button" class="icon-button" aria-label=${t.phrases.remove(phrase)} onClick=${() => remove(phrase)}><${Icon} name="trash" /></button>
          </li>`,
        )}
      </ul>
      <form class="form" onSubmit=${submit}>
        <label class="field">
          <span>${t.phrases.text}</span>
          <input type="text" maxlength=${CHARACTERS_MAX} autocomplete="off" value=${text} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)} />
        </label>
        <div class="dialog-actions"><button type="submit" class="button button-primary" disabled=${!canAdd(phrase)}>${t.phrases.add}</button></div>
      </form>`}
  <//>`;
}
