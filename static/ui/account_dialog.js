// @ts-check
import "../components/notifications.js";
import { dialogs } from "../components/styles/dialogs.js";
import { Icon } from "../components/ui/icons.js";
import { useLanguage } from "./language.js";
import { LanguageSwitch, PeopleList } from "./sign_in.js";
import { html, useEffect, useRef } from "../components/ui/view.js";
import { WireSwitch } from "./wire_switch.js";

/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */

document.adoptedStyleSheets.push(dialogs());

/**
 * Another user, another language, another wire, or out. A modal `<dialog>`: the browser keeps the focus in it and gives it back.
 *
 * @param {{demo: import("../demo_rest.js").DemoRest, user: DemoUser, become: (user: DemoUser | undefined) => void,
 *   client: import("@haggle/client").HaggleClient, wire: import("./wire_switch.js").WireName, chooseWire: (wire: import("./wire_switch.js").WireName) => void, onClose: () => void}} props
 */
export function AccountDialog({ demo, user, become, client, wire, chooseWire, onClose }) {
  const { t, code } = useLanguage();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);

  /** @param {MouseEvent} event */
  const onBackdrop = (event) => event.target === dialog.current && dialog.current?.close();

  /** This device is not notified of what somebody receives who has left it. @param {DemoUser | undefined} next */
  const leave = async (next) => {
    const { endPush } = await import("../components/notifications/push.js");
    await endPush(client).catch(() => {});
    become(next);
  };

  return html`<dialog class="dialog" ref=${dialog} aria-labelledby="account-title" onClose=${onClose} onClick=${onBackdrop}>
    <div class="dialog-body">
      <header class="dialog-head">
        <h2 id="account-title">${t.account}</h2>
        <button type="button" class="icon-button" aria-label=${t.close} onClick=${() => dialog.current?.close()}><${Icon} name="close" /></button>
      </header>
      <p class="form-hint">${t.switchUserHint}</p>
      <${PeopleList} demo=${demo} current=${user.id} become=${(/** @type {DemoUser} */ next) => (next.id === user.id ? dialog.current?.close() : leave(next))} />
      <haggle-settings lang=${code} client=${client}></haggle-settings>
      <haggle-notification-settings lang=${code} client=${client} worker="/push_worker.js"></haggle-notification-settings>
      <footer class="dialog-foot">
        <${LanguageSwitch} />
        <${WireSwitch} wire=${wire} choose=${chooseWire} />
        <button type="button" class="button" onClick=${() => leave(undefined)}>${t.signOut}</button>
      </footer>
    </div>
  </dialog>`;
}
