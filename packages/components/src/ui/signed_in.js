// @ts-check
import { useModule } from "./host.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { Search } from "./search.js";
import { html, useChanges, useEffect, useRef, useState } from "./view.js";
import { InboxList } from "./inbox_list.js";

/** @typedef {import("../elements/session.js").Session} Session */

/** A reconnection that takes less than this is nobody's business. */
const PATIENCE_MS = 1_200;

/**
 * Shows something to somebody who is signed in, and else why it is not there.
 *
 * @param {{session: Session, again: () => void, children: (client: import("@haggle/client").HaggleClient) => any}} props
 *   `again` starts a new session
 */
export function SignedIn({ session, again, children }) {
  const { t } = useLanguage();
  useChanges(session.client, "state");
  if (session.hasEnded) {
    const code = session.error?.code;
    /** @type {Record<string, string>} */
    const words = { origin_refused: t.originRefused(location.origin), unauthenticated: t.signInAgain, banned: t.bannedUntil(session.error?.until) };
    return html`<section class="pane">
      <div class="empty">
        <h2 class="empty-title" role="alert">${t.sessionEnded}</h2>
        <p>${words[/** @type {string} */ (code)] ?? t.sessionEndedHint}</p>
        ${code !== "banned" && html`<button type="button" class="button" onClick=${again}>${t.tryAgain}</button>`}
      </div>
    </section>`;
  }
  if (!session.client) return html`<section class="pane"><p class="notice" role="status">${session.error ? t.serverUnreachable : t.loading}</p></section>`;
  return children(session.client);
}

/**
 * The number on a badge: the unread messages, and at least one for each room that is marked as unread.
 *
 * @param {import("@haggle/client").Inbox} inbox
 */
export function totalOf({ unreadTotal: { rooms, messages } }) {
  return Math.max(rooms, messages);
}

/** That there is no connection, where that lasts. @param {{client: import("@haggle/client").HaggleClient}} props */
export function Banner({ client }) {
  const { state } = client;
  const { t } = useLanguage();
  const isDown = state === "connecting" || state === "waiting";
  const [shown, setShown] = useState(false);
  const wasOpen = useRef(false);
  if (state === "open") wasOpen.current = true;

  useEffect(() => {
    if (!isDown) return setShown(false);
    const timer = setTimeout(() => setShown(true), navigator.onLine ? PATIENCE_MS : 0);
    return () => clearTimeout(timer);
  }, [isDown]);

  // The region stays in the page: a live region that arrives together with its text is not read aloud.
  return html`<div class="banner-region" role="status">
    ${shown &&
    html`<div class="banner">
      <${Icon} name="offline" />
      <span>${!navigator.onLine ? t.offlineBanner : wasOpen.current ? t.reconnecting : t.connecting}</span>
      ${navigator.onLine && html`<button type="button" onClick=${() => client.reconnectNow()}>${t.connectNow}</button>`}
    </div>`}
  </div>`;
}

/**
 * One's own conversations, and the search over them.
 *
 * @param {{session: Session, client: import("@haggle/client").HaggleClient, openRoomId?: string, onUnread: (unread: number) => void}} props
 */
export function InboxView({ session, client, openRoomId, onUnread }) {
  const { t } = useLanguage();
  const { inbox, rest, userId } = client;
  useChanges(inbox);
  const unread = totalOf(inbox);
  useEffect(() => onUnread(unread), [unread]);
  const shown = { inbox, rest, user: { id: userId }, openRoomId };
  const list = html`<${InboxList} ...${shown} />`;
  return html`<section class="pane inbox" part="inbox" aria-labelledby="chats-title">
    <header class="pane-head"><h2 id="chats-title" tabindex="-1">${t.chats}</h2></header>
    ${session.features.has("search") ? html`<${Search} ...${shown}>${list}<//>` : list}
  </section>`;
}

/** Half of all code, which an inbox or a badge does without: read when somebody is about to talk. */
export const loadTalk = () => import("./conversation.js");

/** @param {{session: Session, client: import("@haggle/client").HaggleClient, roomId: string, sought?: {seq: number}, takesFocus: boolean}} props */
export function ConversationView({ session, client, roomId, sought, takesFocus }) {
  const { t } = useLanguage();
  const talk = useModule(loadTalk);
  useChanges(client.inbox);
  if (!talk) return html`<section class="pane conversation" aria-label=${t.chats}><p class="visually-hidden" role="status">${t.loading}</p></section>`;
  return html`<${talk.Conversation} key=${roomId} room=${client.room(roomId)} inbox=${client.inbox} state=${client.state}
    rest=${client.rest} sought=${sought} features=${session.features} images=${session.features.has("images") ? session.images : undefined}
    messageBytesMax=${session.messageBytesMax} takesFocus=${takesFocus} />`;
}
