// @ts-check
import { useUnread } from "./read_mark.js";
import { Avatar } from "./avatar.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";
import { useLanguage } from "./language.js";
import { hasMenu, MessageGroup } from "./message_group.js";
import { arrange, isNews } from "./arrange.js";
import { Icon } from "./icons.js";
import { systemText } from "./message_text.js";
import { HistorySkeleton } from "./skeleton.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").User} User */
/** @typedef {import("@haggle/client").Room} Room */
/** @typedef {import("./arrange.js").Group} Group */

/** So close to the end counts as "at the end": new messages scroll into view. */
const NEAR_END_PX = 48;
/** Older history is asked for when so little is left above. */
const NEAR_START_PX = 240;
/** So much is seen above the line where one begins to read. */
const ABOVE_LINE_PX = 16;
/** So many pages are read to find a message that one came for, or the first unread one; further back one scrolls. */
const SEEK_PAGES_MAX = 20;

/**
 * Keeps the view of each group for as long as what it shows is the same: the same view is not compared again, and a key
 * press over years of history costs what it costs over none.
 *
 * @returns {(group: Group, context: unknown[], view: (last: any) => any) => any}
 *   `context` is what the view depends on in addition to its lines; its last item is handed to `view`
 */
function useKept() {
  const kept = useRef(/** @type {Map<string, {inputs: unknown[], view: any}>} */ (new Map()));
  return ({ key, lines }, context, view) => {
    const inputs = [...context, ...lines.flatMap((line) => [line.key, line.state, line.showsState, line.message, line.draft?.errorCode])];
    const known = kept.current.get(key);
    if (known?.inputs.length === inputs.length && known.inputs.every((input, index) => input === inputs[index])) return known.view;
    const made = { inputs, view: view(context.at(-1)) };
    kept.current.set(key, made);
    return made.view;
  };
}

/**
 * Reads older pages, one at a time for all that ask.
 *
 * @param {Room} room
 */
function useOlder(room) {
  const page = useRef(/** @type {Promise<void> | undefined} */ (undefined));
  const load = () => (page.current ??= room.loadOlder().finally(() => (page.current = undefined)));
  return {
    load,
    /** @param {number} seq @param {() => boolean} [isStale] */
    async loadBackTo(seq, isStale = () => false) {
      for (let pages = 0; pages < SEEK_PAGES_MAX && room.timeline.firstSeq > seq && !isStale(); pages++) await load();
    },
  };
}

/**
 * The history, which stays where the reader is: at the end while they are at the end, still while older pages arrive.
 *
 * @param {{room: Room, other: User, product?: import("@haggle/client").Product, actions: import("./message_group.js").MessageActions,
 *   sought?: {seq: number, isJump?: boolean}}} props `sought`: the message that one came for, another object each time; `isJump`: from another one
 */
export function MessageList({ room, other, product, actions, sought }) {
  const { t, format } = useLanguage();
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const scroll = useRef({ placed: false, landed: false, atEnd: true, firstSeq: 0, height: 0, seen: 0, drafts: 0 });
  const [unseen, setUnseen] = useState(0);
  const [atEnd, setAtEnd] = useState(true);
  const { messages, drafts } = room;
  const lastSeq = messages.at(-1)?.seq ?? 0;
  const groupKeys = useRef(/** @type {Map<string, string>} */ (new Map()));
  const older = useOlder(room);
  const { settled, unread } = useUnread(room, older.loadBackTo);
  const ready = room.entered && (settled || !room.caughtUp);
  const blocks = ready ? arrange(messages, drafts, { ownUserId: room.ownUserId, stateOf: (message) => room.deliveryOf(message), unread, groupKeys: groupKeys.current }) : [];

  const groupView = useKept();
  // What a group shows of them: the objects themselves are new with every event.
  const context = [t, room.writable, other.name, other.avatarUrl, product?.status, product?.price, product?.currency];
  const lastGroup = blocks.findLast(({ kind }) => kind === "group");
  const lastKey = lastGroup?.kind === "group" ? lastGroup.lines.findLast((line) => hasMenu(line, room))?.key : undefined;

  const markSeen = () => {
    if (document.visibilityState !== "visible" || !scroll.current.atEnd || !settled) return;
    room.markRead(room.timeline.lastSeq);
    scroll.current.seen = room.messages.at(-1)?.seq ?? 0;
    setUnseen(0);
  };

  const toEnd = () => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  };

  /** To where the unread ones begin, with their day, so that the line stands near the top. */
  const toLine = () => {
    const line = /** @type {HTMLElement | null | undefined} */ (list.current?.querySelector(".new-mark"));
    const above = /** @type {HTMLElement | null | undefined} */ (line?.previousElementSibling);
    const first = above?.matches(".day") ? above : line;
    if (list.current && first) list.current.scrollTop = first.offsetTop - ABOVE_LINE_PX;
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
      older.load().catch(() => {});
    }
  };

  useLayoutEffect(() => {
    const element = list.current;
    const state = scroll.current;
    if (!element || !ready) return;
    const { firstSeq } = room.timeline;
    const arrives = !state.landed && unread.length > 0;
    if (arrives) state.seen = unread[0].seq - 1;
    else if (!state.placed) state.seen = lastSeq;
    if (arrives && state.atEnd && !sought) {
      toLine();
    } else if (!state.placed) {
      toEnd();
    } else if (firstSeq < state.firstSeq) {
      element.scrollTop += element.scrollHeight - state.height;
    } else if (state.atEnd || drafts.length > state.drafts) {
      // One's own new message is always shown; the other's only to someone who is reading the end.
      toEnd();
    }
    state.placed = true;
    state.landed ||= settled;
    state.firstSeq = firstSeq;
    state.drafts = drafts.length;
    setUnseen(messages.filter((message) => message.seq > state.seen && isNews(message, room.ownUserId)).length);
    measure();
  });

  useEffect(() => {
    if (!sought || !ready) return;
    let left = false;
    const seek = async () => {
      await older.loadBackTo(sought.seq, () => left);
      const line = list.current?.querySelector(`[data-seq="${sought.seq}"]`);
      if (left || !line) return;
      line.scrollIntoView({ block: "center" });
      // Before its scroll event: the next resize takes anyone who reads the end back there.
      measure();
      shine(line);
      if (sought.isJump) /** @type {HTMLElement | null} */ (line.querySelector(".line-menu"))?.focus({ preventScroll: true });
    };
    // A page that failed leaves the reader at the end.
    seek().catch(() => {});
    return () => void (left = true);
  }, [room, sought, ready]);

  useEffect(() => {
    document.addEventListener("visibilitychange", markSeen);
    return () => document.removeEventListener("visibilitychange", markSeen);
  }, [room, settled]);

  // A phone's keyboard, a growing composer, a turned screen, a style sheet that comes late: anyone who reads the end stays there.
  useEffect(() => {
    const observer = new ResizeObserver(() => scroll.current.placed && scroll.current.atEnd && toEnd());
    for (const element of [list.current, list.current?.firstElementChild]) if (element) observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return html`<div class="history-frame">
    <div class="history" part="history" ref=${list} role="log" aria-live="off" aria-label=${t.history(other.name)} aria-busy=${String(!ready)} tabindex="0" onScroll=${measure}><div>
      ${ready &&
      !room.timeline.hasOlder &&
      html`<p class="history-note">${t.beginning}${messages.length === 0 && drafts.length === 0 && ` ${t.beginningHint(other.name)}`}</p>`}
      ${!ready && html`<${HistorySkeleton} />`}
      ${blocks.map((block) => {
        switch (block.kind) {
          case "day":
            return html`<h3 class="day" key=${block.key}><span>${format.day(block.at)}</span></h3>`;
          case "new":
            return html`<p class="new-mark" key=${block.key}><span>${t.newMessages(block.count)}</span></p>`;
          case "system":
            return html`<p class="system" key=${block.key} data-seq=${block.message.seq}><span>${systemText(block.message, t)}</span></p>`;
          default:
            return groupView(block, [...context, ...block.lines.map(({ message, draft }) => room.messageAt((message ?? draft)?.replyTo ?? 0)), block.lines.some(({ key }) => key === lastKey) ? lastKey : undefined], (reachable) =>
              html`<${MessageGroup} key=${block.key} block=${block} other=${other} room=${room} product=${product} actions=${actions} lastKey=${reachable} />`,
            );
        }
      })}
      ${room.otherIsTyping &&
      html`<div class="group" key="typing">
        <${Avatar} user=${other} size="s" />
        <div class="group-lines"><p class="bubble typing-dots"><span class="visually-hidden">${t.isTyping(other.name)}</span><i></i><i></i><i></i></p></div>
      </div>`}
    </div></div>
    ${ready && room.loadingOlder && html`<p class="loading-older" role="status">${t.loadingOlder}</p>`}
    ${ready &&
    !atEnd &&
    html`<button type="button" class="to-end" data-unseen=${unseen > 0 ? "" : undefined} aria-label=${unseen > 0 ? undefined : t.toNewest} onClick=${toEnd}>
      ${unseen > 0 && html`<span>${t.newMessages(unseen)}</span>`}<${Icon} name="down" />
    </button>`}
  </div>`;
}

/** Lets a message stand out for a moment, also when it has done so before. @param {Element} line */
function shine(line) {
  line.classList.remove("sought");
  // Without a layout in between, the animation would not begin again.
  line.getBoundingClientRect();
  line.classList.add("sought");
}
