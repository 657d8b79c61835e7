/**
 * `@haggle/client/push`: push notifications of this device, of a browser or of a native app.
 */

import type { HaggleClient } from "./index.js";
import type { Abortable, OutboxStorage } from "./types.js";

/** A device that wants to be notified: what `PushSubscription.toJSON()` says of a browser, or a native app's token of FCM or APNs. */
export type PushDevice =
  | { endpoint?: string; expirationTime?: number | null; keys?: Record<string, string> }
  | { platform: "fcm" | "apns"; token: string };

/** A device that is notified. Its address and keys stay with the server. */
export interface PushSubscriptionInfo {
  id: string;
  platform: "web" | "fcm" | "apns";
  /** In which language it shows what it is sent. */
  language?: string;
  createdAt: string;
  refreshedAt: string;
}

/** Which subscription this device has is kept in the `storage`. */
export class Push {
  /** `storage`: `localStorage`, so that the subscription is known after a reload. */
  constructor(client: HaggleClient, options?: { storage?: OutboxStorage });
  /** The id of this device's subscription, where it has one. */
  currentId(): Promise<string | undefined>;
  /**
   * Registers this device, or registers it again: a browser's `PushSubscription`, made with the `applicationServerKey` of
   * `client.rest.getFeatures()`, or a native app's token.
   *
   * @throws {HaggleError} `conflict` on a server that does not notify such devices
   */
  subscribe(device: PushDevice | { toJSON(): PushDevice }, options?: Abortable & { language?: string }): Promise<PushSubscriptionInfo>;
  /** Ends this device's subscription at the server, for a sign-out, or another one of one's own. */
  unsubscribe(options?: Abortable & { id?: string }): Promise<void>;
  /** All of one's devices, the one that registered last comes first. */
  list(options?: Abortable): Promise<PushSubscriptionInfo[]>;
}
