// @ts-check
import { Icon } from "../components/ui/icons.js";
import { describe } from "../components/ui/message_text.js";
import { isPicture } from "../components/ui/picture.js";
import { html } from "../components/ui/view.js";
import { Moment } from "./links.js";
import { useWords } from "./words.js";

/** @typedef {import("./rest.js").StaffMessage} StaffMessage */

/**
 * A message as staff reads it: as both members see it, and what it said before it was edited or removed.
 *
 * @param {{message: StaffMessage, name: string, side: "start" | "end", label?: string, marked?: string, sought?: boolean, erased?: boolean, now?: StaffMessage, remove?: () => void}} props
 *   `label`: as what they say it; `marked`: why this one stands out; `sought`: it is what one came for; `erased`: its sender was erased;
 *   `now`: how it stands, of a message that is shown as it stood
 */
export function MessageRow({ message, name, side, label, marked, sought, erased, now, remove }) {
  const { t, moment } = useWords();
  const { id, seq, kind, sentAt, editedAt, deletedAt, removedBy, beforeRemoval, edits = [], warnings = [] } = message;
  const removable = remove && !deletedAt && kind !== "offer" && kind !== "system";
  return html`<li class="message" data-row=${id} data-seq=${seq} data-side=${kind === "system" ? "middle" : side} data-marked=${marked ? "" : undefined} data-sought=${sought ? "" : undefined} tabindex="-1">
    <p class="message-head"><strong><bdi>${kind === "system" ? t.marketplace : name}</bdi></strong><span class="soft"><${Moment} at=${sentAt} /></span>
      ${label && html`<span class="status status-sold">${label}</span>`}
      ${marked && html`<span class="status status-scam">${marked}</span>`}
      ${now?.deletedAt && html`<span class="status status-sold">${now.removedBy ? t.message.removedAt(moment(now.deletedAt)) : t.message.deletedAt(moment(now.deletedAt))}</span>`}
    </p>
    ${deletedAt ? html`<${Gone} message=${message} erased=${erased} />` : html`<${Said} message=${message} />`}
    ${(editedAt || warnings.length > 0 || removable) &&
    html`<p class="message-foot">
      ${editedAt && !deletedAt && html`<span class="soft">${t.message.edited} <${Moment} at=${editedAt} /></span>`}
      ${!deletedAt && warnings.length > 0 && html`<${Contacts} kinds=${warnings} />`}
      ${removable && html`<button type="button" class="text-button" aria-keyshortcuts="x" aria-label=${t.message.removeThis(name, seq)} onClick=${remove}><${Icon} name="trash" />${t.message.remove}</button>`}
    </p>`}
    ${edits.length > 0 && html`<${Edits} edits=${edits} />`}
    ${removedBy && !beforeRemoval && html`<p class="soft">${t.message.wordsErased}</p>`}
  </li>`;
}

/** What it said before, oldest first. @param {{edits: {text?: string, replacedAt: string}[]}} props */
function Edits({ edits }) {
  const { t } = useWords();
  return html`<ol class="edits" aria-label=${t.message.edits}>${edits.map(
    ({ text, replacedAt }) => html`<li class="before-removal"><p class="soft">${t.message.editedBefore} <${Moment} at=${replacedAt} />${t.message.editedBeforeEnd}</p><p class="words" dir="auto">${text ?? t.message.noWords}</p></li>`,
  )}</ol>`;
}

/** @param {{kinds: string[]}} props */
function Contacts({ kinds }) {
  const { chat } = useWords();
  const words = chat.t.warnings.kinds;
  return html`<span class="contacts"><${Icon} name="warning" />${chat.format.list([...new Set(kinds.map((kind) => words[kind] ?? words.other))])}</span>`;
}

/** What it says, as text: what users write leads staff nowhere. @param {{message: import("@haggle/client").Message}} props */
function Said({ message }) {
  const { chat, price, t } = useWords();
  const { kind, text, data } = message;
  if (kind === "offer" && data) return html`<p class="words">${chat.t.offer.says(price(data.amount, data.currency))} <span class="status status-sold">${chat.t.offer.status[data.status]}</span></p>`;
  if (isPicture(message)) {
    const { url, thumbnailUrl } = /** @type {import("@haggle/client").ImageInfo} */ (message.data);
    return html`<a class="thumbnail" href=${url} target="_blank" rel="noopener noreferrer"><img src=${thumbnailUrl} alt=${t.message.picture} loading="lazy" /></a>${text && html`<p class="words" dir="auto">${text}</p>`}`;
  }
  return html`<p class="words" dir="auto">${describe(message, chat)}</p>`;
}

/** A message that is gone for its readers, and why. @param {{message: StaffMessage, erased?: boolean}} props */
function Gone({ message: { removedBy, deletedAt = "", beforeRemoval }, erased }) {
  const { t } = useWords();
  return html`<p class="soft gone">${removedBy ? t.message.removed : erased ? t.message.erasedWithSender : t.message.deletedBySender} <${Moment} at=${deletedAt} /></p>
    ${beforeRemoval && html`<div class="before-removal"><p class="soft">${t.message.before}</p><${Said} message=${{ ...beforeRemoval, deletedAt: undefined }} /></div>`}`;
}
