// @ts-check
import { ProductPicture } from "../../components/ui/avatar.js";
import { describe, named } from "../../components/ui/message_text.js";
import { html, useEffect, useRef } from "../../components/ui/view.js";
import { putBack, takeDown } from "../actions.js";
import { Moment, PersonLink } from "../links.js";
import { Loaded, PagedList, useLoading, usePages } from "../loading.js";
import { addressOf } from "../places.js";
import { useDesk, useWords } from "../words.js";

/** @typedef {import("@haggle/client").Product} Product */

/** A product and its conversations. @param {{place: import("../places.js").Place}} props */
export function ProductView({ place: { id = "" } }) {
  const { t } = useWords();
  const { rest } = useDesk();
  const loading = useLoading(() => rest.getProduct(id), [id]);
  useEffect(() => void (loading.failure?.code !== "not_found" && (document.title = `${loading.data?.title ?? t.product.title} – haggle`)));
  return html`<div class="page">
    <${Loaded} loading=${loading} of=${{ kind: "product", id }}>
      ${(/** @type {Product} */ product) => html`<${Opened} product=${product} set=${loading.set} /><${Rooms} id=${id} />`}
    <//>
  </div>`;
}

/** @param {{product: Product, set: (product: Product) => void}} props */
function Opened({ product, set }) {
  const { t, chat, price } = useWords();
  const { rest, ask } = useDesk();
  const { id, title, sellerId, status, unlisted } = product;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  return html`
    <header class="person-head">
      <${ProductPicture} product=${product} class="picture-s" />
      <h1 tabindex="-1" ref=${heading}><bdi>${title}</bdi></h1>
      ${unlisted && html`<span class="status status-scam">${t.product.unlisted}</span>`}
    </header>
    <dl class="facts">
      <div><dt>${t.product.id}</dt><dd><code>${id}</code></dd></div>
      <div><dt>${t.roles.seller}</dt><dd><${PersonLink} id=${sellerId} /></dd></div>
      <div><dt>${t.product.status}</dt><dd>${chat.t.status[status]}</dd></div>
      ${product.price != null && html`<div><dt>${t.product.price}</dt><dd>${price(product.price, product.currency)}</dd></div>`}
    </dl>
    <div class="actions">
      ${unlisted
        ? html`<button type="button" class="button" aria-keyshortcuts="t" onClick=${() => ask(putBack(rest, t, id, set))}>${t.product.putBack}</button>`
        : html`<button type="button" class="button" aria-keyshortcuts="t" onClick=${() => ask(takeDown(rest, t, id, set))}>${t.product.takeDown}</button>`}
    </div>
  `;
}

/** @param {{id: string}} props */
function Rooms({ id }) {
  const { t, chat } = useWords();
  const { rest } = useDesk();
  const pages = usePages((cursor) => rest.listProductRooms(id, cursor), [id]);
  return html`<section aria-label=${t.product.rooms}>
    <h2>${t.product.rooms}</h2>
    <${PagedList} pages=${pages} empty=${t.product.noRooms} label=${t.product.rooms}>
      ${(/** @type {import("../rest.js").StaffRoom} */ { id: room, buyer, lastMessage, createdAt, frozen }) => html`<li key=${room}>
        <a class="row" data-row=${room} href=${addressOf({ view: "conversation", id: room })}>
          <span class="line"><strong><bdi>${named(buyer, chat.t).name}</bdi></strong>${frozen && html`<span class="status status-scam">${t.conversation.frozen}</span>`}<span class="soft end"><${Moment} at=${lastMessage?.sentAt ?? createdAt} short /></span></span>
          <span class="excerpt" dir="auto">${lastMessage ? describe(lastMessage, chat) : chat.t.noMessages}</span>
        </a>
      </li>`}
    <//>
  </section>`;
}
