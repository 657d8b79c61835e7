// @ts-check
import { useLanguage } from "./language.js";
import { describe } from "./message_text.js";
import { html, useEffect } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").Room} Room */
/** @typedef {import("@haggle/client").User} User */
/** @typedef {(message: Message, emoji: string | null) => void} React `null` takes one's reaction back */

/** What one reacts with, mostly. */
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/**
 * The choices of a message's menu. What one has reacted with is taken back by choosing it again.
 *
 * @param {Message} message
 * @param {string} userId
 * @param {React} react
 * @returns {import("./menu.js").MenuItem[]}
 */
export function reactionItems(message, userId, react) {
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
export function Reactions({ message, other, room, react }) {
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
 */
export function useQuoted(message, room, other) {
  const language = useLanguage();
  if (!message) return "…";
  const says = describe(message, language);
  return message.senderId === room.ownUserId ? language.t.lastFromYou(says) : `${other.name}: \u2068${says}\u2069`;
}

/**
 * The message that another one replies to, wherever it is in the history: the way to it.
 *
 * @param {{seq: number, room: Room, other: User, seek: (seq: number) => void}} props
 */
export function Quote({ seq, room, other, seek }) {
  const { t } = useLanguage();
  const message = room.messageAt(seq);
  const quoted = useQuoted(message, room, other);
  useEffect(() => void (message ?? room.loadMessage(seq).catch(() => {})), [seq]);
  return html`<button type="button" class="quote plain-line" aria-label=${t.replyTo(quoted)} onClick=${() => seek(seq)}>${quoted}</button>`;
}
