// @ts-check
import { menu } from "../styles/menu.js";
import { HostContext } from "./host.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { MenuButton } from "./menu.js";
import { html, useContext } from "./view.js";

/** @typedef {import("@haggle/client").InboxItem} InboxItem */

/**
 * What one's own list may do with a room, for a menu.
 *
 * @param {import("@haggle/client").Inbox} inbox
 * @param {import("@haggle/client").Rest} rest
 * @param {(run: () => Promise<unknown>) => Promise<boolean>} attempt
 * @returns {(item: InboxItem | undefined, isOpen: boolean) => import("./menu.js").MenuItem[]} none for a room that is not known, and with a
 *   server that keeps no settings of it
 */
export function useRoomMenu(inbox, rest, attempt) {
  const { t } = useLanguage();
  const { go } = useContext(HostContext);
  return (item, isOpen) => {
    if (!item?.settings) return [];
    const { id, lastSeq, settings, unread } = item;
    const { archived, muted, pinned } = settings;
    const set = (/** @type {Partial<InboxItem["settings"]>} */ change) => attempt(() => inbox.set(id, change));
    return [
      { label: pinned ? t.list.unpin : t.list.pin, icon: "pinned", choose: () => set({ pinned: !pinned }) },
      { label: muted ? t.list.unmute : t.list.mute, icon: "muted", choose: () => set({ muted: !muted }) },
      unread || settings.unread
        ? { label: t.list.markRead, icon: "read", choose: () => attempt(() => rest.markRead(id, lastSeq)) }
        : {
            label: t.list.markUnread,
            // While it is open, it is read.
            choose: () => set({ unread: true }).then((done) => done && isOpen && go({ view: "inbox" })),
          },
      { label: archived ? t.list.unarchive : t.list.archive, icon: "archive", choose: () => set({ archived: !archived }) },
    ];
  };
}

/** The style sheets of a menu. They are read with it. */
export const sheets = [menu];

/**
 * The menu of a row.
 *
 * @param {{inbox: import("@haggle/client").Inbox, rest: import("@haggle/client").Rest, attempt: (run: () => Promise<unknown>) => Promise<boolean>,
 *   item: InboxItem, name: string, isOpen: boolean}} props
 */
export function RowMenu({ inbox, rest, attempt, item, name, isOpen }) {
  const { t } = useLanguage();
  const items = useRoomMenu(inbox, rest, attempt)(item, isOpen);
  return items.length > 0 && html`<${MenuButton} class="icon-button row-menu" label=${`${t.conversationMenu}: ${name}`} items=${() => items}><${Icon} name="more" /><//>`;
}
