// @ts-check
import { html, useEffect, useState } from "./view.js";
import { useLanguage } from "./language.js";
import { PlaceLink } from "./host.js";
import { Icon } from "./icons.js";
import { describe, named } from "./message_text.js";
import { draftOf, onDraft } from "./composer_drafts.js";
import { Avatar, ProductPicture } from "./avatar.js";

/** @typedef {import("@haggle/client").InboxItem} InboxItem */

/** What a row shows of its settings. */
const MARKS = /** @type {const} */ (["pinned", "muted"]);

/**
 * A conversation in a list.
 *
 * @param {{item: InboxItem, user: {id: string}, current: boolean, state?: import("@haggle/client").DeliveryState, menu?: (name: string) => any}} props
 */
export function InboxRow({ item, user, current, state, menu }) {
  const { t, format } = useLanguage();
  const { product, lastMessage, unread, settings } = item;
  const isUnread = unread > 0 || settings?.unread;
  const other = named(item.other, t);
  const at = lastMessage?.sentAt ?? item.createdAt;
  return html`<li class="inbox-item">
    <${PlaceLink} to=${{ view: "room", roomId: item.id }} class="inbox-row" part="inbox-row" data-room=${item.id} aria-current=${current ? "page" : undefined} data-unread=${isUnread ? "" : undefined}>
      <${Faces} product=${product} other=${other} />
      <span class="inbox-text">
        <span class="inbox-line">
          <span class="inbox-name plain-line" dir="auto">${other.name}</span>
          ${MARKS.map((name) => settings?.[name] && html`<span class="inbox-mark" role="img" aria-label=${t.list[name]}><${Icon} name=${name} /></span>`)}
          <time class="inbox-time" datetime=${at}>${format.short(at)}</time>
        </span>
        ${product &&
        html`<span class="inbox-product">
          <span class="inbox-title plain-line" dir="auto">${product.title}</span>
          <${Standing} item=${item} product=${product} user=${user} />
        </span>`}
        <span class="inbox-line">
          <${LastLine} item=${item} user=${user} state=${state} />
          ${isUnread && html`<span class="badge" part="badge"><span aria-hidden="true">${unread || ""}</span><span class="visually-hidden">${unread ? t.unread(unread) : t.filters.unread}</span></span>`}
        </span>
      </span>
    <//>
    ${menu?.(other.name)}
  </li>`;
}

/**
 * Where the sale stands, for this reader: an offer that waits, or whether it is theirs.
 *
 * @param {{item: InboxItem, product: import("@haggle/client").Product, user: {id: string}}} props
 */
function Standing({ item: { offer, lastMessage }, product, user }) {
  const { t, format } = useLanguage();
  const { status } = product;
  // As the last message it is in the row already.
  const isShown = offer?.messageId === lastMessage?.id;
  if (offer?.status === "pending" && !isShown) return html`<span class="status">${t.offer.says(format.price(offer.amount, offer.currency))}</span>`;
  if (status === "on_sale") return undefined;
  const isBuyers = offer?.status === "accepted" && product.sellerId !== user.id;
  return html`<span class="status status-${status}">${isBuyers ? t.offer.yoursNow[status] : t.status[status]}</span>`;
}

/** Whom it is with, and about what, if about anything. @param {{product?: import("@haggle/client").Product, other: import("@haggle/client").User}} props */
export function Faces({ product, other }) {
  return html`<span class="inbox-faces">
    ${product && html`<${ProductPicture} product=${product} class="picture-s" />`}
    <${Avatar} user=${other} size=${product ? "s" : "m"} />
  </span>`;
}

/**
 * What one has begun to write, and else what was said last.
 *
 * @param {{item: InboxItem, user: {id: string}, state?: import("@haggle/client").DeliveryState}} props
 */
function LastLine({ item: { id, lastMessage }, user, state }) {
  const { t, format } = useLanguage();
  const [draft, setDraft] = useState(() => draftOf(user.id, id));
  useEffect(() => onDraft(user.id, id, () => setDraft(draftOf(user.id, id))), [user.id, id]);
  if (draft.trim()) return html`<span class="inbox-last plain-line"><span class="inbox-draft">${t.draft}</span> <bdi>${draft}</bdi></span>`;
  const text = lastMessage ? describe(lastMessage, { t, format }) : t.noMessages;
  const isOwn = lastMessage?.senderId === user.id && !lastMessage.deletedAt;
  return html`${isOwn && state && html`<span class="inbox-mark" data-state=${state} role="img" aria-label=${t.delivery[state]}><${Icon} name=${state === "sent" ? state : "read"} /></span>`}
    <span class="inbox-last plain-line" dir="auto">${isOwn ? t.lastFromYou(text) : text}</span>`;
}
