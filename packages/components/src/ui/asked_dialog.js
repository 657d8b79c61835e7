// @ts-check
import { dialogs } from "../styles/dialogs.js";
import { gallery } from "../styles/gallery.js";
import { ConfirmDialog } from "./dialog.js";
import { useLanguage } from "./language.js";
import { uneditable } from "./message_text.js";
import { conflictText } from "./offer.js";
import { PhrasesDialog } from "./phrases_dialog.js";
import { OfferDialog } from "./offer_dialog.js";
import { Gallery } from "./gallery.js";
import { ReportDialog } from "./report_dialog.js";
import { html } from "./view.js";

export { Settings } from "./settings.js";

/** The style sheets of the dialogs. They are loaded with them. */
export const sheets = [dialogs, gallery];

/**
 * The dialog that was asked for. `asked.js` loads this module, with all dialogs, when the first one is opened.
 *
 * @param {{asked: import("./asked.js").Asked, room: import("@haggle/client").Room, other: import("@haggle/client").User,
 *   product?: import("@haggle/client").Product, phrases: import("./phrases.js").Phrases, rest: import("@haggle/client").Rest, onClose: () => void}} props
 */
export function AskedDialog({ asked: { kind, message, offer }, room, other, product, phrases, rest, onClose }) {
  const { t } = useLanguage();
  const about = { room, other, product, onClose };
  switch (kind) {
    case "offer":
    case "counter":
      return html`<${OfferDialog} ...${about} answering=${offer} />`;
    case "accept":
      return offer && html`<${AcceptDialog} ...${about} offer=${offer} />`;
    case "picture":
      return html`<${Gallery} ...${about} messageId=${message?.id} />`;
    case "phrases":
      return html`<${PhrasesDialog} saved=${phrases} onClose=${onClose} />`;
    case "report":
      return html`<${ReportDialog} roomId=${room.id} messageId=${message?.id} rest=${rest} onClose=${onClose} />`;
    case "delete":
      return html`<${ConfirmDialog} title=${t.deleteTitle} text=${t.deleteText} action=${t.delete} danger words=${uneditable(t)} run=${() => room.delete(message?.id ?? "")} onClose=${onClose} />`;
    case "block":
      return html`<${ConfirmDialog} title=${t.blockTitle(other.name)} text=${t.blockText} action=${t.blockDo} danger run=${() => rest.block(other.id)} onClose=${onClose} />`;
    case "unblock":
      return html`<${ConfirmDialog} title=${t.unblockTitle(other.name)} text=${t.unblockText} action=${t.unblockDo} run=${() => rest.unblock(other.id)} onClose=${onClose} />`;
  }
}

/**
 * Asks before an offer is accepted: every other one is then declined.
 *
 * @param {{offer: import("./offer.js").Answerable, room: import("@haggle/client").Room, other: import("@haggle/client").User,
 *   product?: import("@haggle/client").Product, onClose: () => void}} props
 */
function AcceptDialog({ offer: { id, data }, room, other, product, onClose }) {
  const { t, format } = useLanguage();
  const { messageId, status } = room.standingOffer ?? {};
  // Accepted in another window of one's own, nobody else was first.
  const words = { conflict: messageId === id && status === "accepted" ? t.offer.conflict : conflictText(product, t) };
  return html`<${ConfirmDialog} title=${t.offer.acceptTitle(format.price(data.amount, data.currency))}
    text=${product?.sellerId === room.ownUserId ? t.offer.acceptSeller(other.name) : t.offer.acceptBuyer} action=${t.offer.accept}
    words=${words} run=${() => room.answerOffer(id, "accept")} onClose=${onClose} />`;
}
