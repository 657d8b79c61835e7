// @ts-check
import { InboxList } from "./inbox_list.js";
import { useLanguage } from "./language.js";
import { Search } from "./search.js";
import { html } from "./view.js";

/**
 * One's own conversations, and the search over them.
 *
 * @param {{inbox: import("@haggle/client").Inbox, user: {id: string}, openRoomId?: string,
 *   rest: import("@haggle/client").Rest, canSearch: boolean}} props
 */
export function InboxPane({ inbox, user, openRoomId, rest, canSearch }) {
  const { t } = useLanguage();
  const list = html`<${InboxList} inbox=${inbox} rest=${rest} user=${user} openRoomId=${openRoomId} />`;
  return html`<section class="pane inbox" part="inbox" aria-labelledby="chats-title">
    <header class="pane-head"><h2 id="chats-title" tabindex="-1">${t.chats}</h2></header>
    ${canSearch ? html`<${Search} inbox=${inbox} rest=${rest} user=${user} openRoomId=${openRoomId}>${list}<//>` : list}
  </section>`;
}
