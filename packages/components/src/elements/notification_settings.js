// @ts-check
import { dialogs } from "../styles/dialogs.js";
import { NotificationSettings } from "../ui/notification_settings.js";
import { html } from "../ui/view.js";
import { HaggleElement } from "./element.js";

/**
 * `<haggle-notification-settings>`: whether this device notifies, and with a sound; with `worker`, the address of the page's service worker,
 * also while no page is open.
 */
export class HaggleNotificationSettings extends HaggleElement {
  static observedAttributes = [...super.observedAttributes, "worker"];
  static sheets = [dialogs];

  /** @param {import("./session.js").Session} session */
  view({ client }) {
    return html`<${NotificationSettings} client=${client} worker=${this.getAttribute("worker") ?? ""} />`;
  }
}
