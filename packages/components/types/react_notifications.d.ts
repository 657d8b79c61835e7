/** `@haggle/components/react/notifications`: the elements that notify, as React components. */

import type * as elements from "./notifications.d.ts";
import type { CommonProps, Component, RoomProps } from "./react.d.ts";

export const HaggleNotifications: Component<RoomProps, elements.HaggleNotifications>;
export const HaggleNotificationSettings: Component<CommonProps, elements.HaggleNotificationSettings>;
