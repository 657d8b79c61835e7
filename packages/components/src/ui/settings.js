// @ts-check
import { dialogs } from "../styles/dialogs.js";
import { failureText, useAttempt } from "./attempt.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useState } from "./view.js";

/** @typedef {import("@haggle/client").Settings} Switches */

/** The style sheets of the switches. They are read with them. */
export const sheets = [dialogs];

const NAMES = /** @type {(keyof Switches)[]} */ (["deliveryReceipts", "readReceipts", "typing", "presence", "lastSeen"]);

/**
 * What the other member gets to see, each with its switch.
 *
 * @param {{rest: import("@haggle/client").Rest}} props
 */
export function Settings({ rest }) {
  const { t } = useLanguage();
  const [settings, setSettings] = useState(/** @type {Switches | undefined} */ (undefined));
  const { busy, failure, attempt } = useAttempt();
  useEffect(() => void attempt(async () => setSettings(await rest.getSettings())), []);

  /** @param {keyof Switches} name */
  const turn = (name) =>
    attempt(async () => {
      if (settings) setSettings(await rest.setSettings({ [name]: !settings[name] }));
    });

  return html`<section class="settings" aria-labelledby="settings-title">
    <h2 id="settings-title">${t.privacy}</h2>
    <p class="form-hint" id="settings-hint">${t.privacyHint}</p>
    ${NAMES.filter((name) => !settings || name in settings).map(
      (name) => html`<label class="switch" key=${name}>
        <span>${t.settings[name]}</span>
        <input
          type="checkbox"
          role="switch"
          aria-describedby="settings-hint"
          checked=${settings?.[name] ?? false}
          aria-disabled=${String(busy || !settings)}
          onClick=${(/** @type {Event} */ event) => {
            // The server's answer turns it: what is shown is what counts.
            event.preventDefault();
            void turn(name);
          }}
        />
      </label>`,
    )}
    ${failure && html`<p class="form-failure" role="alert">${failureText(failure, t)}</p>`}
  </section>`;
}
