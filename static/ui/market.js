// @ts-check
import { Avatar, ProductPicture } from "../components/ui/avatar.js";
import { priceText } from "../components/ui/money.js";
import { useLanguage } from "./language.js";
import { addressOf } from "./navigation.js";
import { html, useChanges, useEffect, useState } from "../components/ui/view.js";

/** @typedef {import("@haggle/client").Product} Product */
/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */
/** @typedef {import("@haggle/client").InboxItem} InboxItem */

/**
 * What is for sale, each with its way to the seller.
 *
 * @param {{demo: import("../demo_rest.js").DemoRest, user: DemoUser, inbox: import("@haggle/client").Inbox, openRoom: (product: Product) => Promise<void>}} props
 */
export function Market({ demo, user, inbox, openRoom }) {
  const { t } = useLanguage();
  useChanges(inbox);
  const rooms = inbox.items;
  const [products, setProducts] = useState(/** @type {Product[] | undefined} */ (undefined));
  const [people, setPeople] = useState(/** @type {DemoUser[]} */ ([]));
  const [failed, setFailed] = useState(false);

  const load = () => {
    setFailed(false);
    demo.listProducts().then(setProducts, () => setFailed(true));
    demo.listUsers().then(setPeople, () => {});
  };
  useEffect(load, []);

  // A room knows its product as it stands now; the list is as old as this view.
  const live = new Map(rooms.map(({ product }) => [product?.id, product]));

  return html`<section class="market" aria-labelledby="market-title">
    <header class="market-head">
      <h1 id="market-title">${t.market}</h1>
      <p>${t.marketLead}</p>
    </header>
    ${failed && html`<div class="notice" role="alert"><p>${t.serverUnreachable}</p><button type="button" class="button" onClick=${load}>${t.tryAgain}</button></div>`}
    ${!failed && !products && html`<p class="notice" role="status">${t.loading}</p>`}
    <ul class="products">
      ${products?.map((product) => {
        const now = live.get(product.id) ?? product;
        return html`<${ProductCard}
          key=${product.id}
          product=${now}
          seller=${people.find(({ id }) => id === now.sellerId)}
          own=${now.sellerId === user.id}
          room=${rooms.find((room) => room.product?.id === product.id && room.buyer.id === user.id)}
          openRoom=${openRoom}
        />`;
      })}
    </ul>
  </section>`;
}

/**
 * @param {{product: Product, seller?: DemoUser, own: boolean, room?: InboxItem, openRoom: (product: Product) => Promise<void>}} props
 */
function ProductCard({ product, seller, own, room, openRoom }) {
  const { t, code } = useLanguage();
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    // A failure is shown by the error bar; the button must come back either way.
    await openRoom(product).finally(() => setBusy(false));
  };
  return html`<li class="product" data-status=${product.status}>
    <${ProductPicture} product=${product} class="picture-card" />
    ${product.status !== "on_sale" && html`<span class="status status-${product.status} product-status">${t.status[product.status]}</span>`}
    <div class="product-text">
      <h2 class="product-title" dir="auto">${product.title}</h2>
      <p class="product-price">${priceText(product.price, product.currency, code)}</p>
      ${seller && html`<p class="product-seller"><${Avatar} user=${seller} size="xs" /><span>${t.soldBy(seller.name)}</span></p>`}
      ${own
        ? html`<p class="product-own">${t.yours}</p>`
        : room
          ? html`<a class="button" href=${addressOf({ view: "room", roomId: room.id })} aria-label=${t.chatAbout(t.openChat, product.title)}>${t.openChat}</a>`
          : html`<button type="button" class="button ${product.status === "sold" ? "" : "button-primary"}" disabled=${busy} aria-label=${t.chatAbout(t.chatWithSeller, product.title)} onClick=${open}>${t.chatWithSeller}</button>`}
    </div>
  </li>`;
}
