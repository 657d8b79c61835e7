// @ts-check
import { Failure, useAttempt } from "./attempt.js";
import { IconButton } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useRef } from "./view.js";

/**
 * A modal `<dialog>`: the browser keeps the focus in it and gives it back.
 *
 * @param {{title: string, onClose: () => void, children: (close: () => void) => any}} props
 *   `children` gets what closes it; a dialog that is only removed would lose the focus
 */
export function Dialog({ title, onClose, children }) {
  const { t } = useLanguage();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();

  return html`<dialog class="dialog dialog-small" ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}
    onClick=${(/** @type {MouseEvent} */ event) => event.target === dialog.current && close()}>
    <div class="dialog-body">
      <header class="dialog-head">
        <h2 id="dialog-title">${title}</h2>
        <${IconButton} icon="close" label=${t.close} onClick=${close} />
      </header>
      ${children(close)}
    </div>
  </dialog>`;
}

/**
 * Asks before something that is hard to take back.
 *
 * @param {{title: string, text: string, action: string, danger?: boolean, words?: Record<string, string>,
 *   run: () => Promise<unknown>, onClose: () => void}} props `words` for failures that mean something particular here
 */
export function ConfirmDialog({ title, text, action, danger, words, run, onClose }) {
  const { t } = useLanguage();
  const { busy, failure, attempt } = useAttempt();
  const cancel = useRef(/** @type {HTMLButtonElement | null} */ (null));
  // A failure with words of its own is final: trying again would only repeat it.
  const over = Boolean(failure?.code && words?.[failure.code]);
  useEffect(() => void (over && cancel.current?.focus()), [over]);
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${(/** @type {() => void} */ close) => html`
      <p>${text}</p>
      <${Failure} of=${failure} words=${words} />
      <div class="dialog-actions">
        <button type="button" class="button" ref=${cancel} onClick=${close}>${over ? t.close : t.cancel}</button>
        ${!over &&
        html`<button type="button" class="button ${danger ? "button-danger" : "button-primary"}" disabled=${busy} onClick=${() => attempt(run).then((done) => done && close())}>
          ${action}
        </button>`}
      </div>
    `}
  <//>`;
}
