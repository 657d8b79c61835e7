// @ts-check
export { HaggleClient, HaggleError } from "./client.js";
import { HaggleMessenger } from "./elements/messenger.js";
import { HaggleInbox } from "./elements/inbox.js";
import { HaggleUnread } from "./elements/unread.js";
import { HaggleSettings } from "./elements/settings.js";
import { HaggleConversation } from "./elements/conversation.js";

/*
 * `@haggle/components`: importing it defines the elements. `types/index.d.ts` describes all of it.
 */

export { loadLanguage, registerLanguage } from "./languages.js";
export { HaggleConversation, HaggleInbox, HaggleMessenger, HaggleSettings, HaggleUnread };

const ELEMENTS = {
  "haggle-messenger": HaggleMessenger,
  "haggle-inbox": HaggleInbox,
  "haggle-conversation": HaggleConversation,
  "haggle-unread": HaggleUnread,
  "haggle-settings": HaggleSettings,
};

for (const [name, Element] of Object.entries(ELEMENTS)) {
  // Twice on one page, by a tag and by a bundle, is no error; the first counts.
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, Element);
}
