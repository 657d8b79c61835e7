// @ts-check
import "../notifications.js";
import { component } from "./component.js";

/*
 * `@haggle/components/react/notifications`: these elements as React components. `types/react_notifications.d.ts` describes them.
 */

export const HaggleNotifications = component("haggle-notifications");
export const HaggleNotificationSettings = component("haggle-notification-settings");
