// @ts-check
import { named } from "../../components/ui/message_text.js";
import { html, useEffect, useRef, useState } from "../../components/ui/view.js";
import { endWait, freeze, join, leave, removeMessage, unfreeze, warn } from "../actions.js";
import { Moment, PersonLink, ProductLink } from "../links.js";
import { isIn, useLive } from "../live.js";
import { isFailure, Loaded, useLoading } from "../loading.js";
import { MessageRow } from "../message_row.js";
import { addressOf } from "../places.js";
import { usePlaceInHistory } from "../place_in_history.js";
import { useDesk, useWords } from "../words.js";
import { Composer } from "./composer.js";

/** @typedef {import("../rest.js").StaffRoom} StaffRoom */
/** @typedef {import("../rest.js").StaffMessage} StaffMessage */
/** @typedef {import("../loading.js").Loading<{room: StaffRoom, messages: StaffMessage[]}>} Conversation */

const PAGE_SIZE = 50;
/** What the server takes. */
const PAGE_SIZE_MAX = 200;
/** How many messages before the one that was sought are read with it. */
const LEAD = 15;

/**
 * A conversation as both members see it, with what was edited, deleted and removed.
 *
 * @param {{place: import("../places.js").Place}} props
 */
export function ConversationView({ place: { id = "", seq } }) {
  const { t } = useWords();
  const { rest, know } = useDesk();
  const loading = useLoading(async () => {
    const [room, { items }] = await Promise.all([
      rest.getRoom(id),
      rest.listMessages(id, seq ? { after: Math.max(0, seq - LEAD - 1), limit: PAGE_SIZE } : { limit: PAGE_SIZE }),
    ]);
    know([room.buyer, room.seller]);
    return { room, messages: items };
  }, [id, seq]);
  useEffect(() => void (loading.failure?.code !== "not_found" && (document.title = `${t.conversation.title} – haggle`)));
  return html`<div class="page">
    <${Loaded} loading=${loading} of=${{ kind: "conversation", id }}>${() => html`<${Opened} conversation=${loading} seq=${seq} />`}<//>
  </div>`;
}

/** @param {{conversation: Conversation, seq?: number}} props */
function Opened({ conversation: read, seq }) {
  const { t, chat } = useWords();
  const { me } = useDesk();
  const { readAgain, readEnd } = useReadings(read);
  const live = useLive(/** @type {{room: StaffRoom, messages: StaffMessage[]}} */ (read.data), readAgain);
  const { room, messages, joined } = live;
  const conversation = { ...read, data: { room, messages } };
  const refresh = () => readAgain(conversation.data);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const sought = /** @type {HTMLElement | null} */ (document.querySelector("[data-sought]"));
    sought?.scrollIntoView({ block: "center" });
    (sought ?? heading.current)?.focus({ preventScroll: true });
  }, []);
  const wasJoined = useRef(joined);
  useEffect(() => void (wasJoined.current = joined), [joined]);
  const { unseen, toUnseen } = usePlaceInHistory({ messages, joined, ownId: me.id, isSought: seq !== undefined });
  return html`
    <h1 tabindex="-1" ref=${heading}>${t.conversation.between(named(room.buyer, chat.t).name, named(room.seller, chat.t).name)}</h1>
    <${States} room=${room} />
    <${Facts} room=${room} />
    <${Actions} conversation=${conversation} refresh=${refresh} />
    <${History} conversation=${conversation} refresh=${refresh} seq=${seq} />
    <div class="visually-hidden" aria-live="polite">${live.announcements.map(({ id, text }) => html`<p key=${id}>${text}</p>`)}</div>
    ${joined && html`<${Composer} live=${live} refresh=${refresh} showEnd=${() => readEnd(conversation.data)} takesFocus=${!wasJoined.current} unseen=${unseen} toUnseen=${toUnseen} />`}
  `;
}

/** @param {{room: StaffRoom}} props */
function States({ room: { frozen, closed } }) {
  const { t } = useWords();
  if (!frozen && !closed) return null;
  return html`<p class="line">${frozen && html`<span class="status status-scam">${t.conversation.frozen}</span>`}${closed && html`<span class="status status-sold">${t.conversation.closed}</span>`}</p>`;
}

/** @param {{room: StaffRoom}} props */
function Facts({ room }) {
  const { t, moment, price } = useWords();
  const { product, members, offer, createdAt, lastSeq, staff = [] } = room;
  return html`<dl class="facts">
    ${members.map(({ userId, role, readSeq, hasBlocked, mutedUntil }) => html`<div><dt>${product ? t.roles[role] : t.person.title}</dt><dd>
      <${PersonLink} id=${userId} user=${room[role]} />
      <span class="soft block">${t.conversation.hasRead(readSeq, lastSeq)}</span>
      ${hasBlocked && html`<span class="status status-sold">${t.conversation.hasBlocked}</span>`}
      ${mutedUntil && html`<span class="status status-reserved">${t.mutedUntil(moment(mutedUntil))}</span>`}
    </dd></div>`)}
    ${product && html`<div><dt>${t.product.title}</dt><dd><${ProductLink} id=${product.id} title=${product.title} /> ${product.price != null && html`<span class="soft">${price(product.price, product.currency)}</span>`}</dd></div>`}
    ${staff.length > 0 && html`<div><dt>${t.conversation.inIt}</dt><dd>${staff.map((user) => html`<${PersonLink} id=${user.id} user=${user} /> `)}</dd></div>`}
    ${offer && html`<div><dt>${t.conversation.offer}</dt><dd>${price(offer.amount, offer.currency)}</dd></div>`}
    <div><dt>${t.conversation.since}</dt><dd><${Moment} at=${createdAt} /></dd></div>
  </dl>`;
}

/**
 * The `seq` of the message with which a user of support has spoken last, else 0. What the server says is no answer. Whether they still
 * wait, only the lists know; to end no wait changes nothing.
 *
 * @param {StaffRoom} room
 * @param {StaffMessage[]} messages
 */
function lastAsked({ kind: isSupport, buyer, lastSeq }, messages) {
  const said = messages.findLast(({ kind }) => kind !== "system");
  const isAtEnd = messages.at(-1)?.seq === lastSeq;
  return isSupport && isAtEnd && said?.senderId === buyer.id ? said.seq : 0;
}

/** @param {{conversation: Conversation, refresh: () => Promise<void>}} props */
function Actions({ conversation, refresh }) {
  const { t, chat } = useWords();
  const { rest, ask, me } = useDesk();
  const { room, messages } = /** @type {{room: StaffRoom, messages: StaffMessage[]}} */ (conversation.data);
  const askedSeq = lastAsked(room, messages);
  const [endedSeq, setEndedSeq] = useState(0);
  const { id, kind, frozen } = room;
  const [buyer, seller] = [named(room.buyer, chat.t), named(room.seller, chat.t)];
  const isMember = [buyer.id, seller.id].includes(me.id);
  return html`<div class="actions" role="group" aria-label=${t.conversation.actions}>
    ${frozen
      ? html`<button type="button" class="button" aria-keyshortcuts="f" onClick=${() => ask(unfreeze(rest, t, id, refresh))}>${t.conversation.unfreeze}</button>`
      : html`<button type="button" class="button" aria-keyshortcuts="f" onClick=${() => ask(freeze(rest, t, id, refresh))}>${t.conversation.freeze}</button>`}
    ${!isMember &&
    (isIn(room, me)
      ? html`<button type="button" class="button" aria-keyshortcuts="i" onClick=${() => ask(leave(rest, t, id, refresh))}>${t.conversation.leave}</button>`
      : html`<button type="button" class="button" aria-keyshortcuts="i" onClick=${() => ask(join(rest, t, id, me.name || me.id, refresh))}>${t.conversation.join}</button>`)}
    ${askedSeq > endedSeq && html`<button type="button" class="button" aria-keyshortcuts="n" onClick=${() => ask(endWait(rest, t, id, () => setEndedSeq(askedSeq)))}>${t.conversation.endWait}</button>`}
    ${isIn(room, me) && html`<button type="button" class="button" aria-keyshortcuts="e" onClick=${() => /** @type {HTMLElement | null} */ (document.querySelector(".composer-bar textarea"))?.focus()}>${t.conversation.writeKey}</button>`}
    <button type="button" class="button" aria-keyshortcuts="w" onClick=${() => ask(warn(rest, t, id, kind ? [buyer] : [buyer, seller], refresh))}>${t.conversation.warn}</button>
    <button type="button" class="button" aria-keyshortcuts="r" aria-disabled=${conversation.busy} onClick=${refresh}>${t.refresh}</button>
    <a class="button" href=${addressOf({ view: "audit", filters: { roomId: id } })}>${t.audit.about}</a>
  </div>`;
}

/** @param {{conversation: Conversation, refresh: () => Promise<void>, seq?: number}} props */
function History({ conversation, refresh, seq }) {
  const { t, chat } = useWords();
  const { rest, ask } = useDesk();
  const { room, messages } = /** @type {{room: StaffRoom, messages: StaffMessage[]}} */ (conversation.data);
  const [first, last] = [messages[0]?.seq ?? 1, messages.at(-1)?.seq ?? 0];
  const userOf = (/** @type {string} */ id) => [room.buyer, room.seller].find((user) => user.id === id);

  const more = useMore(conversation);
  return html`<section aria-labelledby="history-title">
    <h2 id="history-title">${t.conversation.messages}</h2>
    ${messages.length === 0 && html`<p class="soft">${t.conversation.empty}</p>`}
    ${first > 1 && html`<p class="centred"><button type="button" class="button" aria-disabled=${conversation.busy} onClick=${() => more({ before: first })}>${t.conversation.older}</button></p>`}
    <ol class="messages" aria-label=${t.conversation.messages}>
      ${messages.map(
        (message) => html`<${MessageRow}
          key=${message.id}
          message=${message}
          name=${named(message.sender ?? userOf(message.senderId), chat.t)?.name ?? message.senderId}
          erased=${(message.sender ?? userOf(message.senderId))?.nameCode === "deleted_user"}
          label=${message.sender && t.conversation.staff}
          side=${message.senderId === room.seller.id || (room.kind && message.sender) ? "end" : "start"}
          sought=${message.seq === seq}
          remove=${() => ask(removeMessage(rest, t, room.id, message.id, refresh))}
        />`,
      )}
    </ol>
    ${last < room.lastSeq && html`<p class="centred"><button type="button" class="button" aria-disabled=${conversation.busy} onClick=${() => more({ after: last })}>${t.conversation.newer}</button></p>`}
  </section>`;
}

/**
 * Reads more of the conversation, before or after what is there.
 *
 * @param {Conversation} conversation
 */
function useMore(conversation) {
  const { rest, say } = useDesk();
  const { failureText } = useWords();
  const { room, messages } = /** @type {{room: StaffRoom, messages: StaffMessage[]}} */ (conversation.data);
  return async (/** @type {{before?: number, after?: number}} */ part) => {
    if (conversation.busy) return;
    await conversation.read(async () => {
      try {
        const { items } = await rest.listMessages(room.id, { ...part, limit: PAGE_SIZE });
        return { room, messages: part.before === undefined ? [...messages, ...items] : [...items, ...messages] };
      } catch (error) {
        if (!isFailure(error)) throw error;
        // What is there stays.
        say(failureText(error));
        return { room, messages };
      }
    });
  };
}

/**
 * The ways to read an open conversation from the server.
 *
 * @param {Conversation} conversation
 */
function useReadings(conversation) {
  const { rest, know } = useDesk();
  const readRoom = async (/** @type {string} */ id) => {
    const room = await rest.getRoom(id);
    know([room.buyer, room.seller]);
    return room;
  };
  /** Reads again what is there. Where that was the end of the conversation, what was said since is read, too. @param {{room: StaffRoom, messages: StaffMessage[]}} shown */
  const readAgain = ({ room: before, messages }) =>
    conversation.read(async () => {
      const room = await readRoom(before.id);
      const last = messages.at(-1)?.seq ?? 0;
      const end = last < before.lastSeq ? last : room.lastSeq;
      /** @type {StaffMessage[]} */
      const read = [];
      for (let after = (messages[0]?.seq ?? 1) - 1; after < end; after = read[read.length - 1].seq) {
        const { items } = await rest.listMessages(room.id, { after, limit: Math.min(end - after, PAGE_SIZE_MAX) });
        if (items.length === 0) break;
        read.push(...items);
      }
      return { room, messages: read };
    });
  /** Reads the end, in place of an earlier part. @param {{room: StaffRoom}} shown */
  const readEnd = ({ room: { id } }) =>
    conversation.read(async () => {
      const [room, { items }] = await Promise.all([readRoom(id), rest.listMessages(id, { limit: PAGE_SIZE })]);
      return { room, messages: items };
    });
  return { readAgain, readEnd };
}
