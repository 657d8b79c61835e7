// @ts-check
import { useLanguage } from "./language.js";
import { reasonText } from "./message_text.js";
import { html, useState } from "./view.js";

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
const UNREACHABLE = new Set(["disconnected", "timeout", "unreachable"]);

/**
 * @param {{code?: string, until?: string, params?: {reason?: string}}} failure
 * @param {import("../languages/en.js").Strings} t
 * @param {Record<string, string>} [words] for the codes that mean something particular here
 */
export function failureText({ code = "", until, params }, t, words = {}) {
  return words[code] ?? (UNREACHABLE.has(code) ? t.notConnected : (reasonText(code, until, t, params?.reason) ?? t.somethingFailed));
}

/**
 * How an attempt failed; nothing where it has not.
 *
 * @param {{of?: {code?: string}, class?: string, words?: Record<string, string>}} props
 */
export function Failure({ of: failure, class: className = "", words }) {
  const { t } = useLanguage();
  return failure && html`<p class="form-failure ${className}" role="alert">${failureText(failure, t, words)}</p>`;
}
