// @ts-check
import { HaggleNotificationSettings } from "./elements/notification_settings.js";
import { HaggleNotifications } from "./elements/notifications.js";

/*
 * `@haggle/components/notifications`: importing it defines the elements. `types/notifications.d.ts` describes them.
 */

export { HaggleNotifications, HaggleNotificationSettings };

for (const [name, Element] of Object.entries({ "haggle-notifications": HaggleNotifications, "haggle-notification-settings": HaggleNotificationSettings })) {
  // Twice on one page, by a tag and by a bundle, is no error; the first counts.
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, Element);
}
