// @ts-check
import { dialogs } from "../styles/dialogs.js";
import { NotificationSettings } from "../ui/notification_settings.js";
import { html } from "../ui/view.js";
import { HaggleElement } from "./element.js";

/** `<haggle-notification-settings>`: whether this device notifies, and with a sound. */
export class HaggleNotificationSettings extends HaggleElement {
  static sheets = [dialogs];

  view() {
    return html`<${NotificationSettings} />`;
  }
}
