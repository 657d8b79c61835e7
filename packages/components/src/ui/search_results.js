// @ts-check
import { found } from "../styles/found.js";
import { Failure, useAttempt } from "./attempt.js";
import { PlaceLink } from "./host.js";
import { InboxSkeleton, useScreenful } from "./inbox_list.js";
import { Faces, InboxRow } from "./inbox_row.js";
import { useLanguage } from "./language.js";
import { named } from "./message_text.js";
import { html, useEffect, useState } from "./view.js";

/** @typedef {import("@haggle/client").Found} Found */
/** @typedef {import("@haggle/client").InboxItem} InboxItem */
/** @typedef {import("@haggle/client").Rest} Rest */
/** @typedef {{words: string, items: Found[], nextCursor?: string, failure?: {code?: string}}} FoundMessages */

/** The style sheets of what is found. They are read with it. */
export const sheets = [found];

/** Further pages and messages are asked for when the typing rests for so long. */
const REST_MS = 250;

/** So many conversations stand above the messages, until somebody asks for all. */
const CONVERSATIONS_FIRST = 6;

/**
 * What was found: conversations by the other person's name and by the product's title, and messages by their words.
 *
 * @param {{words: string, inbox: import("@haggle/client").Inbox, rest: Rest, user: {id: string}, openRoomId?: string}} props
 */
export function SearchResults({ words, inbox, rest, user, openRoomId }) {
  const { t } = useLanguage();
  const rested = useRested(words);
  const conversations = inbox.items.filter((item) => isAbout(item, words, t));
  const isReading = useScreenful(inbox, rested ? conversations.length : Infinity, words);
  const [messages, more] = useMessages(rest, words, rested);
  const isDone = rested && messages?.words === words && !isReading;

  if (isDone && !messages.failure && conversations.length === 0 && messages.items.length === 0 && !messages.nextCursor) {
    return html`<div class="empty" role="status">
      <p class="empty-title">${t.searchNothing(words)}</p>
      <p>${t.searchNothingHint}</p>
    </div>`;
  }
  return html`<p class="visually-hidden" role="status">${isDone && !messages.failure && t.searchFound(conversations.length, messages.items.length)}</p>
    <div class="inbox-list">
      ${conversations.length > 0 && html`<${Conversations} key=${words} items=${conversations} user=${user} openRoomId=${openRoomId} />`}
      ${!messages
        ? html`<${InboxSkeleton} />`
        : messages.failure
          ? html`<${Failure} of=${messages.failure} class="notice" />`
          : messages.items.length > 0 && html`<${Messages} messages=${messages} more=${more} user=${user} />`}
    </div>`;
}

/** @param {{items: InboxItem[], user: {id: string}, openRoomId?: string}} props */
function Conversations({ items, user, openRoomId }) {
  const { t } = useLanguage();
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? items : items.slice(0, CONVERSATIONS_FIRST);
  return html`<section aria-labelledby="found-conversations">
    <h3 class="found-title" id="found-conversations">${t.searchConversations}</h3>
    <ul>
      ${shown.map((item) => html`<${InboxRow} key=${item.id} item=${item} user=${user} current=${item.id === openRoomId} />`)}
      ${shown.length < items.length && html`<li class="inbox-more"><button type="button" class="button" onClick=${() => setWhole(true)}>${t.more}</button></li>`}
    </ul>
  </section>`;
}

/** @param {{messages: FoundMessages, more: () => Promise<void>, user: {id: string}}} props */
function Messages({ messages: { items, nextCursor }, more, user }) {
  const { t } = useLanguage();
  const { failure, attempt } = useAttempt();
  return html`<section aria-labelledby="found-messages">
    <h3 class="found-title" id="found-messages">${t.searchMessages}</h3>
    <ul>
      ${items.map((item) => html`<${FoundRow} key=${item.message.id} found=${item} user=${user} />`)}
      ${nextCursor &&
      html`<li class="inbox-more">
        <${Failure} of=${failure} />
        <button type="button" class="button" onClick=${() => attempt(more)}>${t.more}</button>
      </li>`}
    </ul>
  </section>`;
}

/** @param {{found: Found, user: {id: string}}} props */
function FoundRow({ found: { message, room, snippet }, user }) {
  const { t, format } = useLanguage();
  const other = named(room.buyer.id === user.id ? room.seller : room.buyer, t);
  return html`<li>
    <${PlaceLink} to=${{ view: "room", roomId: room.id, seq: message.seq }} class="inbox-row found" part="inbox-row">
      <${Faces} product=${room.product} other=${other} />
      <span class="inbox-text">
        <span class="inbox-line">
          <span class="inbox-name plain-line" dir="auto">${other.name}</span>
          <time class="inbox-time" datetime=${message.sentAt}>${format.short(message.sentAt)}</time>
        </span>
        ${room.product && html`<span class="inbox-product"><span class="inbox-title plain-line" dir="auto">${room.product.title}</span></span>`}
        <span class="found-text" dir="auto">${snippet.map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text))}</span>
      </span>
    <//>
  </li>`;
}

/** Whether some words have stood for a moment. @param {string} words */
function useRested(words) {
  const [rested, setRested] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setRested(words), REST_MS);
    return () => clearTimeout(timer);
  }, [words]);
  return rested === words;
}

/**
 * The server's search over one's own messages.
 *
 * @param {Rest} rest
 * @param {string} words
 * @param {boolean} rested
 * @returns {[FoundMessages | undefined, () => Promise<void>]} what was found, still for the words before while these are asked for, and
 *   what reads more of it
 */
function useMessages(rest, words, rested) {
  const [messages, setMessages] = useState(/** @type {FoundMessages | undefined} */ (undefined));
  useEffect(() => {
    if (!rested) return;
    const given = new AbortController();
    rest.search(words, { signal: given.signal }).then(
      ({ items, nextCursor }) => !given.signal.aborted && setMessages({ words, items, nextCursor }),
      (failure) => !given.signal.aborted && setMessages({ words, items: [], failure }),
    );
    return () => given.abort();
  }, [words, rested]);

  const more = async () => {
    if (!messages?.nextCursor) return;
    const { items, nextCursor } = await rest.search(messages.words, { cursor: messages.nextCursor });
    setMessages({ words: messages.words, items: [...messages.items, ...items], nextCursor });
  };
  return [messages, more];
}

/**
 * Whether each word is in the other person's name or in the product's title.
 *
 * @param {InboxItem} item
 * @param {string} words
 * @param {import("../languages/en.js").Strings} t
 */
function isAbout({ other, product }, words, t) {
  const text = fold(`${named(other, t).name} ${product?.title ?? ""}`);
  return fold(words).split(/\s+/).every((word) => text.includes(word));
}

/** As the server compares: whatever its case, its width, and whether Hangul is composed. @param {string} text */
function fold(text) {
  return text.normalize("NFKC").toLowerCase();
}
