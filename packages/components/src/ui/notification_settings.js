// @ts-check
import { askPermission, changePreferences, permission, readPreferences } from "../notifications/preferences.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useState } from "./view.js";

/** Not part of the languages, which every page loads. @type {Record<string, {push: string, pushFailed: string}>} */
const PUSH_WORDS = {
  en: { push: "Also when this page is closed", pushFailed: "Notifications could not be turned on. Try again later." },
  ko: { push: "이 페이지를 닫아도 알림 받기", pushFailed: "알림을 켜지 못했어요. 잠시 후 다시 시도해 주세요." },
  de: { push: "Auch wenn diese Seite geschlossen ist", pushFailed: "Benachrichtigungen konnten nicht eingeschaltet werden. Versuche es später noch einmal." },
};

/** @typedef {NonNullable<Awaited<ReturnType<typeof import("../notifications/push.js").openPush>>>} DevicePush */

/**
 * Whether this device notifies, and how.
 *
 * @param {{client?: import("@haggle/client").HaggleClient, worker: string}} props
 */
export function NotificationSettings({ client, worker }) {
  const { t, code } = useLanguage();
  const [, changed] = useState({});
  const { messages, sound } = readPreferences();
  const allowed = permission();
  const words = { ...(PUSH_WORDS[code] ?? PUSH_WORDS.en), .../** @type {any} */ (t.notifications) };
  const { push, isOn, failed, turn } = usePush(client, worker, code, () => changed({}));

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
    ${push && html`<${Switch} label=${words.push} checked=${isOn} turn=${turn} />`}
    <${Switch} label=${t.notifications.sound} checked=${sound} turn=${turnSound} />
    <p class="form-hint" role="status">${allowed === "denied" ? t.notifications.denied : failed && words.pushFailed}</p>
  </section>`;
}

/**
 * What is notified while no page is open.
 *
 * @param {import("@haggle/client").HaggleClient | undefined} client
 * @param {string} worker
 * @param {string} language
 * @param {() => void} changed
 */
function usePush(client, worker, language, changed) {
  const [push, setPush] = useState(/** @type {DevicePush | undefined} */ (undefined));
  const [isOn, setOn] = useState(false);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let isLeft = false;
    const find = async () => {
      if (!client || !worker) return;
      const { openPush } = await import("../notifications/push.js");
      const found = await openPush(client, worker);
      const on = (await found?.isOn()) ?? false;
      if (!isLeft) setPush(found), setOn(on);
    };
    // Without an answer there is no switch.
    find().catch(() => {});
    return () => void (isLeft = true);
  }, [client, worker]);

  const turn = async () => {
    setFailed(false);
    try {
      if (isOn) await push?.turnOff();
      else await push?.turnOn(language);
    } catch {
      setFailed(true);
    }
    setOn((await push?.isOn().catch(() => false)) ?? false);
    changed();
  };
  return { push, isOn, failed, turn };
}

/** @param {{label: string, checked: boolean, turn: () => void}} props */
function Switch({ label, checked, turn }) {
  // Each turn draws it again, as it then stands: the browser may not have allowed it.
  return html`<label class="switch"><span>${label}</span><input type="checkbox" role="switch" checked=${checked} onChange=${turn} /></label>`;
}
