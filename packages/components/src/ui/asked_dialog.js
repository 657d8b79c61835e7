// @ts-check
import { useLanguage } from "./language.js";
import { conflictText } from "./offer.js";
import { ReportDialog } from "./report_dialog.js";
import { gallery } from "../styles/gallery.js";
export { Settings, sheets as settingsSheets } from "./settings.js";
import { ConfirmDialog } from "./dialog.js";
import { Gallery } from "./gallery.js";
import { html } from "./view.js";
import { OfferDialog } from "./offer_dialog.js";
import { dialogs } from "../styles/dialogs.js";

/** The style sheets of the dialogs. They are loaded with them. */
export const sheets = [dialogs, gallery];

import { PhrasesDialog } from "./phrases_dialog.js";

/**
 * The dialog that was asked for. `asked.js` loads this module, with all dialogs, when the first one is opened.
 *
 * @param {{asked: import("./asked.js").Asked, room: import("@haggle/client").Room, other: import("@haggle/client").User,
 *   product?: import("@haggle/client").Product, phrases: import("./phrases.js").Phrases, rest: import("@haggle/client").Rest, onClose: () => void}} props
 */
export function AskedDialog({ asked: { kind, message, offer }, room, other, product, phrases, rest, onClose }) {
  const { t } = useLanguage();
  switch (kind) {
    case "offer":
    case "counter":
      return html`<${OfferDialog} room=${room} product=${product} answering=${offer} onClose=${onClose} />`;
    case "accept":
      return offer && html`<${AcceptDialog} offer=${offer} room=${room} other=${other} product=${product} onClose=${onClose} />`;
    case "picture":
      return html`<${Gallery} room=${room} other=${other} messageId=${message?.id} onClose=${onClose} />`;
    case "phrases":
      return html`<${PhrasesDialog} saved=${phrases} onClose=${onClose} />`;
    case "report":
      return html`<${ReportDialog} roomId=${room.id} messageId=${message?.id} rest=${rest} onClose=${onClose} />`;
    case "delete": {
      const words = { conflict: t.editFailed, forbidden: t.editFailed, not_found: t.editFailed };
      return html`<${ConfirmDialog} title=${t.deleteTitle} text=${t.deleteText} action=${t.delete} danger words=${words} run=${() => room.delete(message?.id ?? "")} onClose=${onClose} />`;
    }
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
  return html`<${ConfirmDialog}
    title=${t.offer.acceptTitle(format.price(data.amount, data.currency))}
    text=${product?.sellerId === room.ownUserId ? t.offer.acceptSeller(other.name) : t.offer.acceptBuyer}
    action=${t.offer.accept}
    words=${words}
    run=${() => room.answerOffer(id, "accept")}
    onClose=${onClose}
  />`;
}
