// @ts-check
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/** @typedef {import("../client/types.js").Message} Message */
/** @typedef {import("../client/types.js").Draft} Draft */
/** @typedef {import("../client/types.js").User} User */
/** @typedef {import("../client/room.js").Room} Room */

/** Messages of one sender within this time share one group: one picture, one time. */
const GROUP_MS = 5 * 60_000;
/** So close to the end counts as "at the end": new messages scroll into view. */
const NEAR_END_PX = 48;
/** Older history is asked for when so little is left above. */
const NEAR_START_PX = 240;

/**
 * @typedef {{key: string, text?: string, at: string, state?: "sending" | "failed" | "sent" | "read", message?: Message, draft?: Draft}} Line
 * @typedef {{kind: "day", key: string, at: string}
 *   | {kind: "new", key: string}
 *   | {kind: "system", key: string, text: string}
 *   | {kind: "group", key: string, own: boolean, lines: Line[]}} Block
 */

/**
 * Arranges a conversation for the eye: by day, by sender, with a mark where the unread ones begin.
 *
 * @param {Message[]} messages
 * @param {readonly Draft[]} drafts
 * @param {{ownUserId: string, othersReadSeq: number, newAfterSeq: number}} context
 * @returns {Block[]}
 */
export function arrange(messages, drafts, { ownUserId, othersReadSeq, newAfterSeq }) {
  /** @type {Block[]} */
  const blocks = [];
  let day = "";
  let markedNew = false;

  /** @param {string} at */
  const startDay = (at) => {
    const date = new Date(at).toDateString();
    if (date !== day) blocks.push({ kind: "day", key: `day-${date}`, at });
    day = date;
  };
  /** @param {boolean} own @param {Line} line */
  const put = (own, line) => {
    const last = blocks.at(-1);
    const near = last?.kind === "group" && Date.parse(line.at) - Date.parse(last.lines[last.lines.length - 1].at) < GROUP_MS;
    if (last?.kind === "group" && last.own === own && near) last.lines.push(line);
    else blocks.push({ kind: "group", key: `group-${line.key}`, own, lines: [line] });
  };

  for (const message of messages) {
    const own = message.senderId === ownUserId;
    startDay(message.sentAt);
    if (message.kind === "system") {
      blocks.push({ kind: "system", key: message.id, text: message.text ?? "" });
      continue;
    }
    if (!own && !markedNew && message.seq > newAfterSeq) {
      blocks.push({ kind: "new", key: "new" });
      markedNew = true;
    }
    // The `clientId` is the key from the first keystroke to the last receipt, so that a bubble never jumps or blinks.
    put(own, {
      key: message.clientId ?? message.id,
      text: message.text,
      at: message.sentAt,
      state: !own ? undefined : message.seq <= othersReadSeq ? "read" : "sent",
      message,
    });
  }
  const stored = new Set(messages.map(({ clientId }) => clientId));
  for (const draft of drafts) {
    if (stored.has(draft.clientId)) continue;
    startDay(draft.createdAt);
    put(true, { key: draft.clientId, text: draft.text, at: draft.createdAt, state: draft.state, draft });
  }
  return blocks;
}

/**
 * The history, which stays where the reader is: at the end while they are at the end, still while older pages arrive.
 *
 * @param {{room: Room, other: User}} props
 */
export function MessageList({ room, other }) {
  const { t, format } = useLanguage();
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const scroll = useRef({ placed: false, atEnd: true, firstSeq: 0, height: 0, seen: 0, drafts: 0 });
  const [unseen, setUnseen] = useState(0);
  const [atEnd, setAtEnd] = useState(true);
  // Where "new messages" begins is fixed when the room is entered: it must not wander off while one reads.
  const newAfter = useRef(/** @type {number | undefined} */ (undefined));
  if (room.entered && newAfter.current === undefined) newAfter.current = room.readSeqAtEntry;

  const { messages, drafts } = room;
  const lastSeq = messages.at(-1)?.seq ?? 0;
  const firstNew = useRef(/** @type {number | undefined} */ (undefined));
  // Only what was unread at the entry is "new"; what arrives while one looks on needs no mark.
  if (room.entered && firstNew.current === undefined) {
    const hasUnread = messages.some(({ seq, senderId }) => seq > (newAfter.current ?? 0) && senderId !== room.ownUserId);
    firstNew.current = hasUnread ? newAfter.current : Infinity;
  }
  const blocks = arrange(messages, drafts, {
    ownUserId: room.ownUserId,
    othersReadSeq: room.other?.readSeq ?? 0,
    newAfterSeq: firstNew.current ?? Infinity,
  });

  const markSeen = () => {
    if (document.visibilityState !== "visible" || !scroll.current.atEnd || !room.entered) return;
    room.markRead(room.timeline.lastSeq);
    scroll.current.seen = room.messages.at(-1)?.seq ?? 0;
    setUnseen(0);
  };

  const toEnd = () => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  };

  const measure = () => {
    const element = list.current;
    if (!element || !scroll.current.placed) return;
    const end = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    scroll.current.atEnd = end;
    scroll.current.height = element.scrollHeight;
    setAtEnd(end);
    if (end) markSeen();
    if (element.scrollTop < NEAR_START_PX && !room.loadingOlder && room.timeline.hasOlder) {
      // A failed page is asked for again by the next scroll.
      room.loadOlder().catch(() => {});
    }
  };

  useLayoutEffect(() => {
    const element = list.current;
    const state = scroll.current;
    if (!element || !room.entered) return;
    const { firstSeq } = room.timeline;
    if (!state.placed) {
      state.placed = true;
      const mark = /** @type {HTMLElement | null} */ (element.querySelector(".new-mark"));
      if (mark) element.scrollTop = mark.offsetTop - 24;
      else toEnd();
      state.seen = lastSeq;
    } else if (firstSeq < state.firstSeq) {
      element.scrollTop += element.scrollHeight - state.height;
    } else if (state.atEnd || drafts.length > state.drafts) {
      // One's own new message is always shown; the other's only to someone who is reading the end.
      toEnd();
    }
    state.firstSeq = firstSeq;
    state.drafts = drafts.length;
    const fresh = messages.filter(({ seq, senderId }) => seq > state.seen && senderId !== room.ownUserId).length;
    setUnseen(fresh);
    measure();
  });

  useEffect(() => {
    document.addEventListener("visibilitychange", markSeen);
    return () => document.removeEventListener("visibilitychange", markSeen);
  }, [room]);

  // The keyboard of a phone, a growing composer, a turned screen: whoever read the end goes on reading the end.
  useEffect(() => {
    const observer = new ResizeObserver(() => scroll.current.placed && scroll.current.atEnd && toEnd());
    if (list.current) observer.observe(list.current);
    return () => observer.disconnect();
  }, []);

  return html`<div class="history-frame">
    <div class="history" ref=${list} role="log" aria-live="off" aria-label=${t.history(other.name)} aria-busy=${String(!room.entered)} tabindex="0" onScroll=${measure}>
      ${room.loadingOlder && html`<p class="history-note">${t.loadingOlder}</p>`}
      ${room.entered &&
      !room.timeline.hasOlder &&
      html`<p class="history-note">${t.beginning}${messages.length === 0 && drafts.length === 0 && ` ${t.beginningHint(other.name)}`}</p>`}
      ${!room.entered && html`<p class="history-note">${t.loading}</p>`}
      ${blocks.map((block) => {
        switch (block.kind) {
          case "day":
            return html`<h2 class="day" key=${block.key}><span>${format.day(block.at)}</span></h2>`;
          case "new":
            return html`<p class="new-mark" key=${block.key}><span>${t.newMessages}</span></p>`;
          case "system":
            return html`<p class="system" key=${block.key}>${block.text}</p>`;
          default:
            return html`<${Group} key=${block.key} block=${block} other=${other} room=${room} />`;
        }
      })}
      ${room.otherIsTyping &&
      html`<div class="group" key="typing">
        <${Avatar} user=${other} size="s" />
        <div class="group-lines"><p class="bubble typing-dots"><span class="visually-hidden">${t.isTyping(other.name)}</span><i></i><i></i><i></i></p></div>
      </div>`}
    </div>
    ${!atEnd &&
    html`<button type="button" class="to-end" data-unseen=${unseen > 0 ? "" : undefined} aria-label=${unseen > 0 ? undefined : t.toNewest} onClick=${toEnd}>
      ${unseen > 0 && html`<span>${t.newMessagesBelow(unseen)}</span>`}<${Icon} name="down" />
    </button>`}
  </div>`;
}

/** @param {{block: Extract<Block, {kind: "group"}>, other: User, room: Room}} props */
function Group({ block: { own, lines }, other, room }) {
  const { t, format } = useLanguage();
  const last = lines.length - 1;
  return html`<div class="group" data-own=${own ? "" : undefined} role="group" aria-label=${own ? t.you : other.name}>
    ${!own && html`<${Avatar} user=${other} size="s" />`}
    <div class="group-lines">
      ${lines.map((line, index) => {
        // A state is told once for a run of messages that share it.
        const endsRun = index === last || lines[index + 1].state !== line.state;
        return html`<div class="line" key=${line.key} data-state=${line.state} data-seq=${line.message?.seq}>
          ${line.message?.deletedAt
            ? html`<p class="bubble bubble-deleted">${t.deleted}</p>`
            : html`<p class="bubble" dir="auto">${line.text}</p>`}
          ${line.state === "failed" && line.draft
            ? html`<${Failed} draft=${line.draft} room=${room} />`
            : (index === last || (own && endsRun)) &&
              html`<p class="meta">
                ${index === last && html`<time datetime=${line.at}>${format.time(line.at)}</time>`}
                ${line.message?.editedAt && !line.message.deletedAt && html`<span>${t.edited}</span>`}
                ${line.state && html`<span class="delivery"><${Icon} name=${line.state === "sending" ? "clock" : line.state} />${t.delivery[line.state]}</span>`}
              </p>`}
        </div>`;
      })}
    </div>
  </div>`;
}

/** @param {{draft: Draft, room: Room}} props */
function Failed({ draft, room }) {
  const { t } = useLanguage();
  const reason = t.failure[draft.errorCode ?? ""] ?? draft.errorMessage;
  return html`<div class="meta meta-failed" role="alert">
    <button type="button" class="retry" onClick=${() => room.retry(draft.clientId)}><${Icon} name="failed" />${t.delivery.failed}. ${t.retry}</button>
    <button type="button" class="discard" onClick=${() => room.discard(draft.clientId)}>${t.discard}</button>
    ${reason && html`<span class="failure">${reason}</span>`}
  </div>`;
}
