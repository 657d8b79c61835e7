// @ts-check
import { Avatar, ProductPicture } from "./avatar.js";
import { useLanguage } from "./language.js";
import { addressOf } from "./navigation.js";
import { html } from "./view.js";

/** @typedef {import("../client/types.js").InboxItem} InboxItem */

/**
 * Own conversations, latest activity first.
 *
 * @param {{inbox: import("../client/inbox.js").Inbox, user: import("../client/types.js").DemoUser, openRoomId?: string}} props
 */
export function InboxPane({ inbox, user, openRoomId }) {
  const { t } = useLanguage();
  return html`<section class="pane inbox" aria-labelledby="chats-title">
    <header class="pane-head">
      <h1 id="chats-title">${t.chats}</h1>
      ${inbox.unread > 0 && html`<span class="badge" aria-label=${t.unread(inbox.unread)} role="img">${inbox.unread}</span>`}
    </header>
    ${inbox.items.length > 0
      ? html`<ul class="inbox-list">
          ${inbox.items.map((item) => html`<${InboxRow} key=${item.id} item=${item} user=${user} current=${item.id === openRoomId} />`)}
          ${inbox.hasMore && html`<li class="inbox-more"><button type="button" class="button" onClick=${() => inbox.loadMore()}>${t.more}</button></li>`}
        </ul>`
      : inbox.loaded
        ? html`<div class="empty">
            <p class="empty-title">${t.noChats}</p>
            <p>${user.role === "seller" ? t.noChatsHintSeller : t.noChatsHint}</p>
            ${user.role !== "seller" && html`<a class="button" href=${addressOf({ view: "market" })}>${t.browse}</a>`}
          </div>`
        : html`<p class="notice" role="status">${t.loading}</p>`}
  </section>`;
}

/** @param {{item: InboxItem, user: {id: string}, current: boolean}} props */
function InboxRow({ item, user, current }) {
  const { t, format } = useLanguage();
  const { other, product, lastMessage, unread } = item;
  const text = lastMessage?.deletedAt ? t.deleted : (lastMessage?.text ?? "");
  return html`<li>
    <a class="inbox-row" href=${addressOf({ view: "room", roomId: item.id })} aria-current=${current ? "page" : undefined} data-unread=${unread > 0 ? "" : undefined}>
      <span class="inbox-faces">
        <${ProductPicture} product=${product} class="picture-s" />
        <${Avatar} user=${other} size="s" />
      </span>
      <span class="inbox-text">
        <span class="inbox-line">
          <span class="inbox-name">${other.name}</span>
          <time class="inbox-time" datetime=${lastMessage?.sentAt ?? item.createdAt}>${format.short(lastMessage?.sentAt ?? item.createdAt)}</time>
        </span>
        <span class="inbox-product">
          <span class="inbox-title">${product.title}</span>
          ${product.status !== "on_sale" && html`<span class="status status-${product.status}">${t.status[product.status]}</span>`}
        </span>
        <span class="inbox-line">
          <span class="inbox-last">${!lastMessage ? t.noMessages : lastMessage.senderId === user.id ? t.lastFromYou(text) : text}</span>
          ${unread > 0 && html`<span class="badge"><span aria-hidden="true">${unread}</span><span class="visually-hidden">${t.unread(unread)}</span></span>`}
        </span>
      </span>
    </a>
  </li>`;
}
