// @ts-check
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { MenuButton } from "./menu.js";
import { leadsAway, partsOf } from "./links.js";
import { describe, reasonText, senderOf } from "./message_text.js";
import { OfferCard } from "./offer.js";
import { isPicture, Picture } from "./picture.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").Draft} Draft */
/** @typedef {import("@haggle/client").User} User */
/** @typedef {import("@haggle/client").Room} Room */
/** @typedef {import("./arrange.js").Line} Line */

/** A finger that rests on a message for so long asks for its menu. */
const LONG_PRESS_MS = 500;
/** One to three emoji and nothing else. */
const ONLY_EMOJI = /^(?:(?:\p{RI}\p{RI}|\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F|\u200D\p{Extended_Pictographic})*)\s?){1,3}$/u;

/** What one reacts with, mostly. */
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** @typedef {(message: Message, emoji: string | null) => void} React `null` takes one's reaction back */

/**
 * @typedef {import("./offer.js").OfferDialogs & BubbleActions} MessageActions
 * @typedef {object} BubbleActions
 * @property {(message: Message) => void} edit
 * @property {(message: Message) => void} remove
 * @property {(message: Message) => void} report
 * @property {(message: Message) => void} enlarge
 * @property {(draft: Draft) => void} rewrite takes it back into the composer
 * @property {(seq: number) => void} seek
 * @property {(message: Message) => void} [reply] missing, as the next one, where the server has no such thing
 * @property {React} [react]
 */

/**
 * @param {{block: import("./arrange.js").Group, other: User, room: Room, product?: import("@haggle/client").Product,
 *   actions: MessageActions, lastKey?: string}} props `lastKey`: the message whose menu the Tab key reaches
 */
export function MessageGroup({ block: { own, lines }, other: member, room, product, actions, lastKey }) {
  const { t, format } = useLanguage();
  const first = lines[0].message;
  const other = senderOf(first, member, t);
  const last = lines.length - 1;
  return html`<div class="group" data-own=${own ? "" : undefined} role="group" aria-label=${own ? t.you : other.name}>
    ${!own && html`<${Avatar} user=${other} size="s" />`}
    <div class="group-lines">
      ${first?.sender && html`<p class="meta"><bdi>${other.name}</bdi><span>${t.staff}</span></p>`}
      ${lines.map((line, index) => {
        const { message, state, showsState } = line;
        return html`<div class="line" key=${line.key} data-state=${line.state} data-seq=${message?.seq}>
          ${message?.kind === "offer" && message.data && !message.deletedAt
            ? html`<${OfferCard} message=${message} room=${room} other=${other} product=${product} actions=${actions} />`
            : html`<${Bubble} line=${line} own=${own} other=${other} member=${member} room=${room} actions=${actions} reachable=${line.key === lastKey} />`}
          ${message?.reactions && html`<${Reactions} message=${message} other=${member} room=${room} react=${actions.react} />`}
          ${message && !message.deletedAt && html`<${Warning} message=${message} own=${own} />`}
          ${line.state === "failed" && line.draft
            ? html`<${Failed} draft=${line.draft} room=${room} rewrite=${actions.rewrite} />`
            : (index === last || showsState || message?.editedAt) &&
              html`<p class="meta">
                ${index === last && html`<time datetime=${line.at}>${format.time(line.at)}</time>`}
                ${message?.editedAt && !message.deletedAt && html`<span>${t.edited}</span>`}
                ${state && showsState && html`<span class="delivery"><${Icon} name=${state === "sending" ? "clock" : state === "delivered" ? "read" : state} />${t.delivery[state]}</span>`}
              </p>`}
        </div>`;
      })}
    </div>
  </div>`;
}

/**
 * Whether there is anything to do about a message.
 *
 * @param {Line} line
 * @param {Room} room
 */
export function hasMenu({ message }, room) {
  if (!message || message.deletedAt || message.kind === "offer") return false;
  return room.writable || Boolean(message.text) || message.senderId !== room.ownUserId || room.isEditable(message);
}

/**
 * What somebody said, with its menu: behind a button that shows under the pointer, or by a long touch.
 *
 * @param {{line: Line, own: boolean, other: User, member: User, room: Room, actions: MessageActions, reachable: boolean}} props
 */
function Bubble({ line, own, other, member, room, actions, reachable }) {
  const { t, format } = useLanguage();
  const [open, setOpen] = useState(false);
  const press = useRef(/** @type {any} */ (undefined));
  const { message } = line;
  if (message?.deletedAt) return html`<p class="bubble bubble-deleted">${describe(message, { t, format })}</p>`;

  const image = message && isPicture(message);
  const replyTo = (message ?? line.draft)?.replyTo;
  const quote = replyTo && html`<${Quote} seq=${replyTo} room=${room} other=${member} seek=${actions.seek} />`;
  const content = html`
    ${image && quote}
    ${image && html`<${Picture} message=${message} alt=${own ? t.image.yours : t.image.alt(other.name)} room=${room} enlarge=${actions.enlarge} />`}
    ${(line.text || !image) && html`<p part=${own ? "message message-own" : "message message-other"} class="bubble ${line.text && ONLY_EMOJI.test(line.text) ? "bubble-emoji" : ""}" dir="auto">${!image && quote}${line.text && html`<${Linked} text=${line.text} />`}</p>`}
  `;
  if (!message || !hasMenu(line, room)) return html`<div class="line-row">${content}</div>`;

  const items = () => {
    const editable = room.isEditable(message) && room.writable;
    return [
      ...(actions.react && room.writable ? reactionItems(message, room.ownUserId, actions.react) : []),
      ...(actions.reply && room.writable ? [{ label: t.reply, icon: "reply", choose: () => actions.reply?.(message) }] : []),
      ...(message.text ? [{ label: t.copy, icon: "copy", choose: () => void navigator.clipboard?.writeText(message.text ?? "") }] : []),
      ...(editable && message.text ? [{ label: t.edit, icon: "edit", choose: () => actions.edit(message) }] : []),
      ...(editable ? [{ label: t.delete, icon: "trash", danger: true, choose: () => actions.remove(message) }] : []),
      ...(own || message.sender ? [] : [{ label: t.report.message, icon: "flag", choose: () => actions.report(message) }]),
    ];
  };
  const release = () => clearTimeout(press.current);
  const longPress = {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      if (event.pointerType === "mouse") return;
      release();
      press.current = setTimeout(() => setOpen(true), LONG_PRESS_MS);
    },
    onPointerUp: release,
    onPointerMove: (/** @type {PointerEvent} */ event) => (Math.abs(event.movementX) > 3 || Math.abs(event.movementY) > 3) && release(),
    onPointerCancel: release,
    onContextMenu: (/** @type {PointerEvent} */ event) => event.pointerType !== "mouse" && event.preventDefault(),
  };
  return html`<div class="line-row" ...${longPress}>
    ${content}
    <${MenuButton}
      class="icon-button line-menu"
      label=${t.messageMenu(describe(message, { t, format }).slice(0, 60))}
      items=${items}
      open=${open}
      setOpen=${setOpen}
      tabindex=${reachable ? 0 : -1}
      onKeyDown=${walkMenus}
    ><${Icon} name="more" /><//>
  </div>`;
}

/**
 * One stop of the Tab key for all messages; the arrows walk from one to the next.
 * @param {KeyboardEvent} event
 */
function walkMenus(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const button = /** @type {HTMLElement} */ (event.currentTarget);
  const all = /** @type {HTMLElement[]} */ ([...(button.closest(".history")?.querySelectorAll(".line-menu") ?? [])]);
  all[all.indexOf(button) + step]?.focus();
}

/** What somebody wrote, with its addresses as links. @param {{text: string}} props */
function Linked({ text }) {
  return partsOf(text).map(({ text, href, kind, title }) => {
    if (!href) return text;
    const target = kind === "web" ? "_blank" : undefined;
    return html`<a class="link" dir="ltr" href=${href} title=${title} target=${target} rel="noopener noreferrer nofollow ugc">${text}</a>`;
  });
}

/**
 * The risk of what a message says: a way around the marketplace, by the server's word, or the other's link to another site.
 *
 * @param {{message: Message, own: boolean}} props
 */
function Warning({ message: { text = "", warnings = [] }, own }) {
  const { t, format } = useLanguage();
  const kinds = !own && leadsAway(text, location.host) ? [...warnings, "link"] : warnings;
  if (kinds.length === 0) return null;
  const what = format.list([...new Set(kinds.map((kind) => t.warnings.kinds[kind] ?? t.warnings.kinds.other))]);
  return html`<p class="warning" role="note"><${Icon} name="warning" /><span>${own ? t.warnings.own(what) : t.warnings.others(what)}</span></p>`;
}

/** @param {{draft: Draft, room: Room, rewrite: (draft: Draft) => void}} props */
function Failed({ draft, room, rewrite }) {
  const { t } = useLanguage();
  const reason = reasonText(draft.errorCode, draft.errorUntil, t, draft.errorReason) ?? draft.errorMessage;
  return html`<div class="meta meta-failed" role="alert">
    ${!room.writable ? html`<span class="retry"><${Icon} name="failed" />${t.delivery.failed}</span>` : html`<button type="button" class="retry" onClick=${() => room.retry(draft.clientId)}><${Icon} name="failed" />${t.delivery.failed}. ${t.retry}</button>`}
    ${draft.text && room.writable && html`<button type="button" class="discard" onClick=${() => rewrite(draft)}>${t.edit}</button>`}
    <button type="button" class="discard" onClick=${() => room.discard(draft.clientId)}>${t.discard}</button>
    ${reason && html`<span class="failure">${reason}</span>`}
  </div>`;
}

/**
 * The choices of a message's menu. What one has reacted with is taken back by choosing it again.
 *
 * @param {Message} message
 * @param {string} userId
 * @param {React} react
 * @returns {import("./menu.js").MenuItem[]}
 */
function reactionItems(message, userId, react) {
  return EMOJI.map((label) => {
    const checked = message.reactions?.some((one) => one.userId === userId && one.emoji === label) ?? false;
    return { label, isEmoji: true, checked, choose: () => react(message, checked ? null : label) };
  });
}

/**
 * What the two have reacted with. A press takes one's own back, or says the same as the other.
 *
 * @param {{message: Message, other: User, room: Room, react?: React}} props
 */
function Reactions({ message, other, room, react }) {
  const { t } = useLanguage();
  return html`<p class="reactions">${message.reactions?.map(({ userId, emoji }) => {
    const isOwn = userId === room.ownUserId;
    return html`<button type="button" key=${userId} class="reaction" aria-pressed=${String(isOwn)} aria-label=${`${emoji} ${isOwn ? t.you : other.name}`} disabled=${!react || !room.writable} onClick=${() => react?.(message, isOwn ? null : emoji)}>${emoji}</button>`;
  })}</p>`;
}

/**
 * Who says what, in one line, of a message that is replied to.
 *
 * @param {Message | undefined} message
 * @param {Room} room
 * @param {User} other
 * @param {Parameters<typeof describe>[1]} language
 */
export function quoteOf(message, room, other, language) {
  if (!message) return "…";
  const says = describe(message, language);
  return message.senderId === room.ownUserId ? language.t.lastFromYou(says) : `${senderOf(message, other, language.t).name}: \u2068${says}\u2069`;
}

/**
 * The message that another one replies to, wherever it is in the history: the way to it.
 *
 * @param {{seq: number, room: Room, other: User, seek: (seq: number) => void}} props
 */
function Quote({ seq, room, other, seek }) {
  const language = useLanguage();
  const message = room.messageAt(seq);
  const quoted = quoteOf(message, room, other, language);
  useEffect(() => void (message ?? room.loadMessage(seq).catch(() => {})), [seq, !message]);
  return html`<button type="button" class="quote plain-line" aria-label=${language.t.replyTo(quoted)} onClick=${() => seek(seq)}>${quoted}</button>`;
}
