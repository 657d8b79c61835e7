// @ts-check
import "./index.js";
import { component } from "./react/component.js";

/*
 * The elements as React components. `types/react.d.ts` describes them.
 */

export const HaggleMessenger = component("haggle-messenger");
export const HaggleInbox = component("haggle-inbox");
export const HaggleConversation = component("haggle-conversation");
export const HaggleUnread = component("haggle-unread");
export const HaggleSettings = component("haggle-settings");
