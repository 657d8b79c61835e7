// @ts-check
import { amountText, firstPrice, parseAmount, suggestedPrices } from "./amount.js";
import { Failure, useAttempt } from "./attempt.js";
import { Dialog } from "./dialog.js";
import { useLanguage } from "./language.js";
import { exponentOf } from "./money.js";
import { compare, conflictText, pendingOffer } from "./offer.js";
import { html, useRef, useState } from "./view.js";

/**
 * Names a price: a new offer, or another one in answer to an offer.
 *
 * @param {{room: import("@haggle/client").Room, product?: import("@haggle/client").Product, answering?: import("./offer.js").Answerable, onClose: () => void}} props
 */
export function OfferDialog({ room, product, answering, onClose }) {
  const { t, format, code } = useLanguage();
  const asked = answering?.data;
  const currency = asked?.currency ?? product?.currency ?? (code === "ko" ? "KRW" : "USD");
  const digits = exponentOf(currency) ?? 0;
  const seller = product?.sellerId === room.ownUserId;
  const price = product?.currency === currency ? product.price : undefined;
  const terms = { answered: asked?.amount, seller };
  const [text, setText] = useState(() => amountText(firstPrice(price, terms), digits));
  const [wrong, setWrong] = useState(false);
  // One key for the whole dialog: "again" after a doubt must not offer twice.
  const [clientId] = useState(() => room.newClientId());
  const { busy, failure, attempt, forget } = useAttempt();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));

  const amount = parseAmount(text, digits);
  const waiting = pendingOffer(room);
  const replaced = !answering && waiting?.senderId === room.ownUserId ? waiting.data : undefined;
  const invalid = digits > 0 ? t.offer.invalid : t.offer.invalidWhole;
  const choices = price ? suggestedPrices(price, terms) : [];

  /** @param {string} next */
  const change = (next) => {
    setText(next);
    setWrong(false);
    forget();
  };
  /** @param {Event} event @param {() => void} close */
  const submit = async (event, close) => {
    event.preventDefault();
    if (amount === undefined) {
      setWrong(true);
      field.current?.focus();
    } else if (await attempt(() => (answering ? room.answerOffer(answering.id, "counter", amount) : room.offer({ amount, currency, clientId })))) {
      close();
    }
  };

  return html`<${Dialog} title=${answering ? t.offer.counterTitle : t.offer.make} onClose=${onClose}>
    ${(/** @type {() => void} */ close) => html`<form class="form" novalidate onSubmit=${(/** @type {Event} */ event) => submit(event, close)}>
      <label class="field">
        <span>${t.offer.amountIn(currency)}</span>
        <input ref=${field} class="amount" type="text" inputmode=${digits > 0 ? "decimal" : "numeric"} autocomplete="off" maxlength="24"
          value=${text} aria-invalid=${String(wrong)} aria-describedby="offer-preview"
          autofocus onFocus=${(/** @type {any} */ event) => event.currentTarget.select()}
          onInput=${(/** @type {any} */ event) => change(event.currentTarget.value)} />
      </label>
      ${choices.length > 0 &&
      html`<div class="chips" role="group" aria-label=${t.offer.asking(format.price(price, currency))}>
        ${choices.map((choice) => {
          return html`<button type="button" class="chip" aria-pressed=${String(choice === amount)} onClick=${() => change(amountText(choice, digits))}>${format.price(choice, currency)}</button>`;
        })}
      </div>`}
      <p class="form-hint" id="offer-preview" aria-live="polite">
        ${amount === undefined ? (wrong ? "" : " ") : `${format.price(amount, currency)} · ${compare(amount, price, t) || t.offer.lasts}`}
        ${wrong && html`<span class="form-failure">${invalid}</span>`}
      </p>
      ${replaced && html`<p class="form-hint">${t.offer.replaces(format.price(replaced.amount, replaced.currency))}</p>`}
      <${Failure} of=${failure} words=${{ conflict: waiting && waiting.senderId !== room.ownUserId && !answering ? t.offer.answerFirst : conflictText(product, t), invalid }} />
      <div class="dialog-actions">
        <span class="form-hint">${t.offer.lasts}</span>
        <button type="submit" class="button button-primary" disabled=${busy}>${t.offer.send}</button>
      </div>
    </form>`}
  <//>`;
}
