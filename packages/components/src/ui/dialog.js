// @ts-check
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { reasonText } from "./message_text.js";
import { html, useEffect, useRef, useState } from "./view.js";

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

  return html`<dialog
    class="dialog dialog-small"
    ref=${dialog}
    aria-labelledby="dialog-title"
    onClose=${onClose}
    onClick=${(/** @type {MouseEvent} */ event) => event.target === dialog.current && close()}
  >
    <div class="dialog-body">
      <header class="dialog-head">
        <h2 id="dialog-title">${title}</h2>
        <button type="button" class="icon-button" aria-label=${t.close} onClick=${close}><${Icon} name="close" /></button>
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
      ${failure && html`<p class="form-failure" role="alert">${failureText(failure, t, words)}</p>`}
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

/**
 * One thing at a time that may fail, and how it did.
 */
export function useAttempt() {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState(/** @type {{code?: string} | undefined} */ (undefined));
  return {
    busy,
    failure,
    forget: () => setFailure(undefined),
    /** @param {() => Promise<unknown>} run @returns {Promise<boolean>} whether it succeeded */
    async attempt(run) {
      if (busy) return false;
      setBusy(true);
      setFailure(undefined);
      try {
        await run();
        return true;
      } catch (error) {
        // What is not an answer of the server's is a fault of the page, and the error bar's business.
        if (typeof (/** @type {any} */ (error)?.code) !== "string") throw error;
        setFailure(/** @type {{code: string}} */ (error));
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}

/** Without a connection, by the codes of the client itself. */
const AWAY = new Set(["disconnected", "timeout", "unreachable"]);

/**
 * @param {{code?: string, until?: string}} failure
 * @param {import("../languages/en.js").Strings} t
 * @param {Record<string, string>} [words] for the codes that mean something particular here
 */
export function failureText({ code = "", until }, t, words = {}) {
  return words[code] ?? (AWAY.has(code) ? t.notConnected : (reasonText(code, until, t) ?? t.somethingFailed));
}
