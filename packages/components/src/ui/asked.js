// @ts-check
import { useAttempt } from "./attempt.js";
import { HostContext } from "./host.js";
import { useContext, useState } from "./view.js";

/**
 * What a dialog was asked for.
 *
 * @typedef {object} Asked
 * @property {"offer" | "counter" | "accept" | "phrases" | "report" | "block" | "unblock" | "delete" | "picture"} kind
 * @property {import("@haggle/client").Message} [message] the one to report, to delete or to enlarge
 * @property {import("./offer.js").Answerable} [offer] the one to counter or to accept
 * @property {() => void} [onClosed] called after the dialog has closed and the browser has given the focus back
 */

/** @type {typeof import("./asked_dialog.js") | undefined} */
let dialogs;

/**
 * The dialogs of a conversation. Most visits open none, so their code and their styles are loaded when the first one is opened.
 *
 * After a failed import, `ask` tries again. An older browser caches the failure until the page is reloaded, and fails again.
 */
export function useAsked() {
  const { adopt } = useContext(HostContext);
  const [asked, setAsked] = useState(/** @type {Asked | undefined} */ (undefined));
  const { busy, failure, attempt, forget } = useAttempt();

  const load = async () => {
    try {
      return (dialogs ??= await import("./asked_dialog.js"));
    } catch (error) {
      // With a code it is shown in words; without one it would go to the error bar, as a fault of the page.
      throw Object.assign(/** @type {Error} */ (error), { code: navigator.onLine ? "" : "unreachable" });
    }
  };

  return {
    asked,
    AskedDialog: dialogs?.AskedDialog,
    /** Whether the dialogs are being loaded. */
    opening: busy,
    failure,
    forget,
    /** @param {Asked} next */
    ask: (next) =>
      attempt(async () => {
        const { sheets } = await load();
        adopt(sheets);
        setAsked(next);
      }),
    close() {
      setAsked(undefined);
      asked?.onClosed?.();
    },
  };
}
