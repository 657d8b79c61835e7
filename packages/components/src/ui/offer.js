// @ts-check
import { Failure, useAttempt } from "./attempt.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").OfferData} OfferData */
/** @typedef {import("@haggle/client").Product} Product */
/** @typedef {import("@haggle/client").User} User */
/** @typedef {import("@haggle/client").Room} Room */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * What became of an offer, also before the server says it.
 *
 * @param {Pick<OfferData, "status" | "expiresAt">} offer
 * @param {number} now the server's time: the device's own clock may be days off
 */
export function statusOf({ status, expiresAt }, now) {
  return status === "pending" && Date.parse(expiresAt) <= now ? "expired" : status;
}

/**
 * The answers that take a dialog. `onClosed` is called when that of `accept` has closed.
 *
 * @typedef {object} OfferDialogs
 * @property {(offer: Answerable) => void} counter
 * @property {(offer: Answerable, onClosed?: () => void) => void} accept
 */

/** What an answer needs to know of an offer. @typedef {{id: string, senderId: string, data: Pick<OfferData, "amount" | "currency" | "status" | "expiresAt">}} Answerable */

/**
 * The offer of a room that waits for an answer, however far back its message is.
 *
 * @param {Room} room
 * @returns {Answerable | undefined}
 */
export function pendingOffer(room) {
  const offer = room.standingOffer;
  return offer && statusOf(offer, room.now()) === "pending" ? answerable(offer) : undefined;
}

/**
 * The offer that stands, as one that can be answered.
 *
 * @param {import("@haggle/client").StandingOffer} offer
 * @returns {Answerable}
 */
export function answerable({ messageId, senderId, ...data }) {
  return { id: messageId, senderId, data };
}

/**
 * An offer as a card, with what its reader may do about it.
 *
 * @param {{message: Message, room: Room, other: User, product?: Product, actions: OfferDialogs}} props
 */
export function OfferCard({ message, room, other, product, actions }) {
  const { t, format } = useLanguage();
  const [, tick] = useState(0);
  const card = useRef(/** @type {HTMLElement | null} */ (null));
  const own = message.senderId === room.ownUserId;
  const offer = /** @type {OfferData} */ (message.data);
  const now = room.now();
  const status = statusOf(offer, now);
  const pending = status === "pending";
  // What came to nothing is history, and takes a line of it.
  const closed = !pending && status !== "accepted";
  const amount = format.price(offer.amount, offer.currency);
  const leftMs = Date.parse(offer.expiresAt) - now;

  useEffect(() => {
    if (!pending) return;
    const timer = setTimeout(() => tick(Date.now()), Math.min(MINUTE_MS, leftMs));
    return () => clearTimeout(timer);
  });

  // The button that was pressed is gone, and the focus must not be lost with it.
  const keepFocus = () => card.current?.focus({ preventScroll: true });

  return html`<div class="offer" data-status=${status} data-closed=${closed ? "" : undefined} role="group" ref=${card} tabindex="-1" aria-label=${t.offer.became(amount, t.offer.status[status])}>
    <p class="offer-head">
      <span class="plain-line">${own ? t.offer.yours : t.offer.from(other.name)}</span>
      ${closed && html`<span class="offer-amount">${amount}</span>`}
      <span class="status status-${closed ? "sold" : pending ? "reserved" : "accepted"}">${t.offer.status[status]}</span>
    </p>
    ${!closed &&
    html`<p class="offer-amount">${amount}</p>
      <p class="offer-note">
        ${product?.currency === offer.currency && html`<span>${compare(offer.amount, product?.price, t)}</span>`}
        ${pending && html`<span>${leftMs >= HOUR_MS ? t.offer.hoursLeft(Math.round(leftMs / HOUR_MS)) : t.offer.minutesLeft(Math.max(1, Math.floor(leftMs / MINUTE_MS)))}</span>`}
      </p>`}
    <${OfferActions} offer=${{ id: message.id, senderId: message.senderId, data: offer }} room=${room} product=${product} actions=${actions} onAnswered=${keepFocus} />
  </div>`;
}

/**
 * What its reader may do about an offer.
 *
 * @param {{offer: Answerable, room: Room, product?: Product, actions: OfferDialogs, onAnswered?: () => void}} props
 */
export function OfferActions({ offer, room, product, actions, onAnswered }) {
  const { t } = useLanguage();
  const { busy, failure, attempt } = useAttempt();
  const status = statusOf(offer.data, room.now());
  // Answered in another window of one's own, nobody else was first.
  const words = { conflict: status === "accepted" ? t.offer.conflict : conflictText(product, t) };
  /** @param {"decline" | "withdraw"} answer */
  const give = async (answer) => {
    await attempt(() => room.answerOffer(offer.id, answer));
    onAnswered?.();
  };

  return html`${status === "pending" &&
    room.writable &&
    html`<div class="offer-actions">
      ${offer.senderId === room.ownUserId
        ? html`<button type="button" class="button" disabled=${busy} onClick=${() => give("withdraw")}>${t.offer.withdraw}</button>`
        : html`
            <button type="button" class="button button-primary" disabled=${busy} onClick=${() => actions.accept(offer, onAnswered)}>${t.offer.accept}</button>
            <button type="button" class="button" disabled=${busy} onClick=${() => actions.counter(offer)}>${t.offer.counter}</button>
            <button type="button" class="button" disabled=${busy} onClick=${() => give("decline")}>${t.offer.decline}</button>
          `}
    </div>`}
    <${Failure} of=${failure} words=${words} />`;
}

/**
 * Why the server refused an offer, or an answer to one.
 *
 * @param {Product | undefined} product
 * @param {import("../languages/en.js").Strings} t
 */
export function conflictText(product, t) {
  return product?.status === "sold" ? t.offer.sold : product?.status === "reserved" ? t.offer.taken : t.offer.conflict;
}

/**
 * How much an amount differs from the asking price.
 *
 * @param {number} amount
 * @param {number | undefined} price
 * @param {import("../languages/en.js").Strings} t
 */
export function compare(amount, price, t) {
  if (!price) return "";
  if (amount === price) return t.offer.same;
  const percent = Math.max(1, Math.round((Math.abs(price - amount) / price) * 100));
  return amount < price ? t.offer.under(percent) : t.offer.over(percent);
}
