// @ts-check
import { Avatar, ProductPicture } from "./avatar.js";
import { PlaceLink } from "./host.js";
import { useLanguage } from "./language.js";
import { describe, named } from "./message_text.js";
import { Search } from "./search.js";
import { html } from "./view.js";

/** @typedef {import("@haggle/client").InboxItem} InboxItem */

/**
 * Own conversations, latest activity first.
 *
 * @param {{inbox: import("@haggle/client").Inbox, user: {id: string}, openRoomId?: string,
 *   rest: import("@haggle/client").Rest, canSearch: boolean}} props
 */
export function InboxPane({ inbox, user, openRoomId, rest, canSearch }) {
  const { t } = useLanguage();
  const list = html`<${InboxList} inbox=${inbox} user=${user} openRoomId=${openRoomId} />`;
  return html`<section class="pane inbox" part="inbox" aria-labelledby="chats-title">
    <header class="pane-head">
      <h2 id="chats-title" tabindex="-1">${t.chats}</h2>
      ${inbox.unread > 0 && html`<span class="badge" part="badge" aria-label=${t.unread(inbox.unread)} role="img">${inbox.unread}</span>`}
    </header>
    ${canSearch ? html`<${Search} rest=${rest} user=${user}>${list}<//>` : list}
  </section>`;
}

/** @param {{inbox: import("@haggle/client").Inbox, user: {id: string}, openRoomId?: string}} props */
function InboxList({ inbox, user, openRoomId }) {
  const { t } = useLanguage();
  return inbox.items.length > 0
    ? html`<ul class="inbox-list">
        ${inbox.items.map((item) => html`<${InboxRow} key=${item.id} item=${item} user=${user} current=${item.id === openRoomId} />`)}
        ${inbox.hasMore && html`<li class="inbox-more"><button type="button" class="button" onClick=${() => inbox.loadMore()}>${t.more}</button></li>`}
      </ul>`
    : inbox.loaded
      ? html`<div class="empty">
          <p class="empty-title">${t.noChats}</p>
          <slot name="empty"><p>${t.noChatsHint}</p></slot>
        </div>`
      : html`<p class="notice" role="status">${t.loading}</p>`;
}

/** @param {{item: InboxItem, user: {id: string}, current: boolean}} props */
function InboxRow({ item, user, current }) {
  const { t, format } = useLanguage();
  const { product, lastMessage, unread } = item;
  const other = named(item.other, t);
  const text = lastMessage ? describe(lastMessage, { t, format }) : "";
  return html`<li>
    <${PlaceLink} to=${{ view: "room", roomId: item.id }} class="inbox-row" part="inbox-row" data-room=${item.id} aria-current=${current ? "page" : undefined} data-unread=${unread > 0 ? "" : undefined}>
      <span class="inbox-faces">
        <${ProductPicture} product=${product} class="picture-s" />
        <${Avatar} user=${other} size="s" />
      </span>
      <span class="inbox-text">
        <span class="inbox-line">
          <span class="inbox-name plain-line" dir="auto">${other.name}</span>
          <time class="inbox-time" datetime=${lastMessage?.sentAt ?? item.createdAt}>${format.short(lastMessage?.sentAt ?? item.createdAt)}</time>
        </span>
        <span class="inbox-product">
          <span class="inbox-title plain-line" dir="auto">${product.title}</span>
          ${product.status !== "on_sale" && html`<span class="status status-${product.status}">${t.status[product.status]}</span>`}
        </span>
        <span class="inbox-line">
          <span class="inbox-last plain-line" dir="auto">${!lastMessage ? t.noMessages : lastMessage.senderId === user.id && !lastMessage.deletedAt ? t.lastFromYou(text) : text}</span>
          ${unread > 0 && html`<span class="badge" part="badge"><span aria-hidden="true">${unread}</span><span class="visually-hidden">${t.unread(unread)}</span></span>`}
        </span>
      </span>
    <//>
  </li>`;
}
