// @ts-check
import { askPermission, changePreferences, permission, readPreferences } from "../notifications/preferences.js";
import { useLanguage } from "./language.js";
import { html, useState } from "./view.js";

/**
 * Whether this device notifies, and how.
 */
export function NotificationSettings() {
  const { t } = useLanguage();
  const [, changed] = useState({});
  const { messages, sound } = readPreferences();
  const allowed = permission();

  const turnMessages = async () => {
    const next = allowed === "default" ? await askPermission() : allowed;
    changePreferences({ messages: next === "granted" && !(messages && allowed === "granted") });
    changed({});
  };
  const turnSound = () => {
    changePreferences({ sound: !sound });
    changed({});
  };

  return html`<section class="settings" aria-labelledby="notifications-title">
    <h2 id="notifications-title">${t.notifications.title}</h2>
    ${allowed !== "unsupported" && html`<${Switch} label=${t.notifications.messages} checked=${messages && allowed === "granted"} turn=${turnMessages} />`}
    <${Switch} label=${t.notifications.sound} checked=${sound} turn=${turnSound} />
    <p class="form-hint" role="status">${allowed === "denied" && t.notifications.denied}</p>
  </section>`;
}

/** @param {{label: string, checked: boolean, turn: () => void}} props */
function Switch({ label, checked, turn }) {
  // Each turn draws it again, as it then stands: the browser may not have allowed it.
  return html`<label class="switch"><span>${label}</span><input type="checkbox" role="switch" checked=${checked} onChange=${turn} /></label>`;
}
