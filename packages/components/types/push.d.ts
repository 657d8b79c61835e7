/**
 * `@haggle/components/push`: notifications while no page is open, for pages with a switch of their own. `<haggle-notification-settings worker>`
 * does it by itself.
 */

import type { HaggleClient } from "@haggle/client";

/** What this device can do; `undefined` where the page names no worker, the server has no key, or the browser knows no push. */
export function openPush(client: HaggleClient, worker: string): Promise<DevicePush | undefined>;

/** Registers this device again, where it is notified: the browser may have changed its address. `<haggle-notifications worker>` does it by itself. */
export function renewPush(client: HaggleClient, worker: string, language: string): Promise<void>;

/** Ends what this device is notified of: at a sign-out, before the token is gone. */
export function endPush(client: HaggleClient): Promise<void>;

export interface DevicePush {
  /** Whether this device is notified of what the signed-in person receives. */
  isOn(): Promise<boolean>;
  /**
   * Has this device notified, with words in a language. The browser asks for its permission, which it takes only from somebody who has just
   * done something.
   *
   * @returns whether the browser allows it
   */
  turnOn(language: string): Promise<boolean>;
  turnOff(): Promise<void>;
}
