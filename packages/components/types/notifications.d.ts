/**
 * `@haggle/components/notifications`: notifies somebody who looks elsewhere of what came in. Importing it defines the elements.
 */

import type { HaggleElement, HaggleRoomElement } from "./index.d.ts";

/**
 * `<haggle-notifications>`: while another tab or window is in front, a notification of the system for each new message, with its
 * sender and text; a soft sound; and the number of unread messages on the icon of an installed page. Shows nothing in the page.
 *
 * `room` is the open one; without it, that of the page's `<haggle-messenger>`. While it can be seen, nothing is said of it. A click on
 * a notification is a `haggle-navigate` to its room, which the messenger follows where the page does not. The browser asks for its permission after the first message that was sent, or by the switch in
 * `<haggle-notification-settings>`.
 *
 * `worker` is the address of the page's service worker, where it has one that loads haggle's: a device that is notified while no page is open is
 * registered again with each visit, and a click on its notification comes here.
 */
export interface HaggleNotifications extends HaggleRoomElement {}
export const HaggleNotifications: { new (): HaggleNotifications; prototype: HaggleNotifications };

/**
 * `<haggle-notification-settings>`: whether this device notifies, and with a sound. With `worker`, the address of the page's service worker, there
 * is a switch for notifications while no page is open, where the server and the browser have them.
 */
export interface HaggleNotificationSettings extends HaggleElement {}
export const HaggleNotificationSettings: { new (): HaggleNotificationSettings; prototype: HaggleNotificationSettings };

declare global {
  interface HTMLElementTagNameMap {
    "haggle-notifications": HaggleNotifications;
    "haggle-notification-settings": HaggleNotificationSettings;
  }
}
