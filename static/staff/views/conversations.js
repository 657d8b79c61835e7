// @ts-check
import { describe, named } from "../../components/ui/message_text.js";
import { html, useEffect } from "../../components/ui/view.js";
import { endWait } from "../actions.js";
import { Moment } from "../links.js";
import { Failure } from "../loading.js";
import { go } from "../navigation.js";
import { addressOf } from "../places.js";
import { useArrivals } from "../queue.js";
import { LISTS, useStaffRooms } from "../staff_rooms.js";
import { useDesk, useWords } from "../words.js";

/** The conversations that wait for the staff, and those that it takes part in. @param {{place: import("../places.js").Place}} props */
export function ConversationsView({ place: { filters } }) {
  const { t } = useWords();
  const list = LISTS.includes(filters.list) ? filters.list : LISTS[0];
  const announce = useArrivals(t.conversations.arrived);
  const rooms = useStaffRooms(list, (count) => list === "waiting" && announce(count));
  const { items, more, loaded, failure } = rooms;
  const waiting = list === "waiting" && loaded && items.length > 0 ? `(${items.length}${more ? "+" : ""}) ` : "";
  useEffect(() => void (document.title = `${waiting}${t.sections.conversations} – haggle`));
  return html`<div class="page">
    <h1 tabindex="-1">${t.sections.conversations}</h1>
    <div class="filters">
      <div class="segments" role="group" aria-label=${t.conversations.which}>
        ${LISTS.map((one) => html`<button type="button" aria-pressed=${String(one === list)} onClick=${() => go({ view: "conversations", filters: { list: one } })}>${t.conversations.lists[one]}</button>`)}
      </div>
      <button type="button" class="button" aria-keyshortcuts="r" onClick=${rooms.refresh}>${t.refresh}</button>
    </div>
    ${failure && html`<${Failure} failure=${failure} retry=${rooms.refresh} />`}
    ${!loaded && !failure && html`<p class="notice" role="status">${t.loading}</p>`}
    ${loaded && items.length === 0 && html`<p class="notice" role="status">${t.conversations.none[list]}</p>`}
    ${items.length > 0 && html`<ul class="list" aria-label=${t.conversations.lists[list]}>${items.map((room) => html`<${Row} key=${room.id} room=${room} refresh=${rooms.refresh} />`)}</ul>`}
    ${more && html`<p class="centred"><button type="button" class="button" onClick=${rooms.loadMore}>${t.more}</button></p>`}
  </div>`;
}

/** @param {{room: import("../rest.js").ListedRoom, refresh: () => Promise<void>}} props */
function Row({ room: { id, kind, product, buyer, seller, lastMessage, createdAt, frozen, waitingSince, staff = [] }, refresh }) {
  const { t, chat } = useWords();
  const { rest, ask } = useDesk();
  const name = (/** @type {import("@haggle/client").User} */ user) => named(user, chat.t).name;
  return html`<li class="with-action">
    <a class="row" data-row=${id} href=${addressOf({ view: "conversation", id })}>
      <span class="line"><strong><bdi>${kind ? name(buyer) : t.conversation.between(name(buyer), name(seller))}</bdi></strong>
        ${product && html`<span class="soft plain-line"><bdi>${product.title}</bdi></span>`}
        ${frozen && html`<span class="status status-scam">${t.conversation.frozen}</span>`}
        ${staff.map((user) => html`<span class="status status-sold"><bdi>${name(user)}</bdi></span>`)}
        <span class="soft end">${waitingSince ? html`${t.conversations.since} <${Moment} at=${waitingSince} short />` : html`<${Moment} at=${lastMessage?.sentAt ?? createdAt} short />`}</span></span>
      <span class="excerpt" dir="auto">${lastMessage ? describe(lastMessage, chat) : chat.t.noMessages}</span>
    </a>
    ${waitingSince && html`<button type="button" class="text-button" aria-keyshortcuts="n" aria-label=${`${t.conversation.endWait}: ${name(buyer)}`} onClick=${() => ask(endWait(rest, t, id, refresh))}>${t.conversation.endWait}</button>`}
  </li>`;
}
