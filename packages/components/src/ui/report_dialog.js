// @ts-check
import { Failure, useAttempt } from "./attempt.js";
import { Dialog } from "./dialog.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").ReportCategory} Category */

/** What the server takes, in characters. */
const TEXT_MAX = 2000;

/**
 * Reports the other member, or one of their messages, to the marketplace's staff.
 *
 * @param {{roomId: string, messageId?: string, rest: import("@haggle/client").Rest, onClose: () => void}} props
 */
export function ReportDialog({ roomId, messageId, rest, onClose }) {
  const { t } = useLanguage();
  const [category, setCategory] = useState(/** @type {Category | undefined} */ (undefined));
  const [text, setText] = useState("");
  const [sent, setSent] = useState(false);
  const [wrong, setWrong] = useState(false);
  const { busy, failure, attempt } = useAttempt();
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const thanks = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => thanks.current?.focus(), [sent]);

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const words = text.trim();
    if (!category) return;
    // "Something else" says nothing by itself.
    if (category === "other" && words === "") {
      setWrong(true);
      field.current?.focus();
      return;
    }
    if (await attempt(() => rest.report({ roomId, messageId, category, text: words || undefined }))) setSent(true);
  };

  return html`<${Dialog} title=${messageId ? t.report.message : t.report.conversation} onClose=${onClose}>
    ${(/** @type {() => void} */ close) =>
      sent
        ? html`<div class="form">
            <p class="form-done" ref=${thanks} tabindex="-1" role="status">${t.report.thanks}</p>
            <p class="form-hint">${t.report.thanksHint}</p>
            <div class="dialog-actions"><button type="button" class="button button-primary" onClick=${close}>${t.done}</button></div>
          </div>`
        : html`<form class="form" novalidate onSubmit=${submit}>
            <p class="form-hint">${t.report.lead}</p>
            <fieldset class="choices">
              <legend>${t.report.what}</legend>
              ${Object.entries(t.report.categories).map(
                ([name, label]) => html`<label class="choice">
                  <input type="radio" name="category" value=${name} checked=${category === name} onChange=${() => (setCategory(/** @type {Category} */ (name)), setWrong(false))} />
                  <span>${label}</span>
                </label>`,
              )}
            </fieldset>
            <label class="field">
              <span>${t.report.text}</span>
              <textarea ref=${field} rows="3" maxlength=${TEXT_MAX} value=${text} aria-invalid=${String(wrong)} onInput=${(/** @type {any} */ event) => (setText(event.currentTarget.value), setWrong(false))}></textarea>
            </label>
            ${wrong && html`<p class="form-failure" role="alert">${t.report.textNeeded}</p>`}
            <${Failure} of=${failure} />
            <div class="dialog-actions">
              <button type="button" class="button" onClick=${close}>${t.cancel}</button>
              <button type="submit" class="button button-primary" disabled=${busy || !category}>${t.report.send}</button>
            </div>
          </form>`}
  <//>`;
}
