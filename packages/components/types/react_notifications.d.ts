/** `@haggle/components/react/notifications`: the elements that notify, as React components. */

import type * as elements from "./notifications.d.ts";
import type { CommonProps, Component, RoomProps } from "./react.d.ts";

interface WorkerProps {
  /** Address of the page's service worker, where it has one. */
  worker?: string;
}

export const HaggleNotifications: Component<RoomProps & WorkerProps, elements.HaggleNotifications>;
export const HaggleNotificationSettings: Component<CommonProps & WorkerProps, elements.HaggleNotificationSettings>;
