// @ts-check
import { Dialog } from "./dialog.js";
import { IconButton } from "./icons.js";
import { useLanguage } from "./language.js";
import { CHARACTERS_MAX } from "./phrases.js";
import { html, useState } from "./view.js";

/**
 * Adds and removes saved phrases.
 *
 * @param {{saved: import("./phrases.js").Phrases, onClose: () => void}} props
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
            <${IconButton} icon="trash" label=${t.phrases.remove(phrase)} onClick=${() => remove(phrase)} />
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
