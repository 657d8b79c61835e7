// @ts-check
import { useLanguage } from "./language.js";
import { answerable, OfferActions, statusOf } from "./offer.js";
import { html, useRef } from "./view.js";

/**
 * The offer that stands, over the history: its message may be far back in it.
 *
 * @param {{room: import("@haggle/client").Room, other: import("@haggle/client").User, product?: import("@haggle/client").Product,
 *   actions: import("./offer.js").OfferDialogs}} props
 */
export function StandingOffer({ room, other, product, actions }) {
  const { t, format } = useLanguage();
  const strip = useRef(/** @type {HTMLElement | null} */ (null));
  const offer = room.standingOffer && answerable(room.standingOffer);
  // Where its card is, it says the same and is answered there.
  const isFarBack = offer && !room.messages.some(({ id }) => id === offer.id);
  const isPending = offer && statusOf(offer.data, room.now()) === "pending";
  // The button that was pressed is gone, and the focus must not be lost with it.
  const keepFocus = () => strip.current?.focus({ preventScroll: true });
  return html`<div class="standing-offer" ref=${strip} tabindex="-1">
    ${isFarBack &&
    html`<div class=${isPending ? "standing-offer-pending" : undefined}>
      ${isPending && html`<p class="plain-line">${offer.senderId === room.ownUserId ? t.offer.yours : t.offer.from(other.name)}: ${format.price(offer.data.amount, offer.data.currency)}</p>`}
      <${OfferActions} key=${offer.id} offer=${offer} room=${room} product=${product} actions=${actions} onAnswered=${keepFocus} />
    </div>`}
    <div role="status">${takenText(room, other, product, { t, format })}</div>
  </div>`;
}

/**
 * What an accepted offer means for its reader.
 *
 * @param {import("@haggle/client").Room} room
 * @param {import("@haggle/client").User} other
 * @param {import("@haggle/client").Product | undefined} product
 * @param {Pick<ReturnType<typeof useLanguage>, "t" | "format">} language
 */
function takenText({ standingOffer, ownUserId }, other, product, { t, format }) {
  if (standingOffer?.status !== "accepted" || !product) return undefined;
  const amount = format.price(standingOffer.amount, standingOffer.currency);
  const isSeller = product.sellerId === ownUserId;
  const text =
    product.status === "sold"
      ? isSeller
        ? t.offer.soldTo(other.name, amount)
        : t.offer.bought(amount)
      : isSeller
        ? t.statusHint.reservedFor(other.name)
        : t.statusHint.reservedForYou;
  return html`<p class="standing-offer-taken">${text}</p>`;
}
