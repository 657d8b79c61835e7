/** `@haggle/components/react`: the elements as React components, for React 18 and later. */

import type { ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";
import type * as elements from "./index.d.ts";

type Events = elements.HaggleEvents;

/** What all of them take. */
export interface CommonProps extends HTMLAttributes<HTMLElement> {
  server?: string;
  tokenUrl?: string;
  fetchToken?: elements.HaggleElement["fetchToken"];
  client?: elements.HaggleElement["client"];
  hrefFor?: elements.HaggleElement["hrefFor"];
  strings?: elements.Words;
  theme?: "light" | "dark" | "auto";
  /** `preventDefault()` when the router takes them there. */
  onNavigate?: (event: Events["haggle-navigate"]) => void;
  onStopped?: (event: Events["haggle-stopped"]) => void;
  onUnread?: (event: Events["haggle-unread"]) => void;
}

/** What those of a room take as well. */
export interface RoomProps extends CommonProps {
  room?: string;
  seq?: number;
}

export type Component<Props, Element> = ForwardRefExoticComponent<Props & RefAttributes<Element>>;

export const HaggleMessenger: Component<RoomProps & { narrow?: "inbox" | "content" }, elements.HaggleMessenger>;
export const HaggleInbox: Component<RoomProps, elements.HaggleInbox>;
export const HaggleConversation: Component<RoomProps & { back?: boolean }, elements.HaggleConversation>;
export const HaggleUnread: Component<CommonProps, elements.HaggleUnread>;
export const HaggleSettings: Component<CommonProps, elements.HaggleSettings>;
