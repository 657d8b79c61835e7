// @ts-check
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { MenuButton } from "./menu.js";
import { describe, reasonText, systemText } from "./message_text.js";
import { OfferCard } from "./offer.js";
import { Picture } from "./picture.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").Draft} Draft */
/** @typedef {import("@haggle/client").User} User */
/** @typedef {import("@haggle/client").Room} Room */

/** Messages of one sender within this time share one group: one picture, one time. */
const GROUP_MS = 5 * 60_000;
/** So close to the end counts as "at the end": new messages scroll into view. */
const NEAR_END_PX = 48;
/** A finger that rests on a message for so long asks for its menu. */
const LONG_PRESS_MS = 500;
/** So many pages are read to find a message that one came for; further back one scrolls. */
const SEEK_PAGES_MAX = 20;
/** One to three emoji and nothing else. */
const ONLY_EMOJI = /^(?:(?:\p{RI}\p{RI}|\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F|\u200D\p{Extended_Pictographic})*)\s?){1,3}$/u;
/** Older history is asked for when so little is left above. */
const NEAR_START_PX = 240;

/**
 * @typedef {object} MessageActions
 * @property {(message: Message) => void} counter
 * @property {(message: Message) => void} edit
 * @property {(message: Message) => void} remove
 * @property {(message: Message) => void} report
 *
 * @typedef {{key: string, text?: string, at: string, state?: "sending" | "failed" | "sent" | "read", message?: Message, draft?: Draft}} Line
 * @typedef {{kind: "day", key: string, at: string}
 *   | {kind: "new", key: string}
 *   | {kind: "system", key: string, message: Message}
 *   | {kind: "group", key: string, own: boolean, lines: Line[]}} Block
 */

/**
 * Arranges a conversation for the eye: by day, by sender, with a mark where the unread ones begin.
 *
 * @param {Message[]} messages
 * @param {readonly Draft[]} drafts
 * @param {{ownUserId: string, othersReadSeq: number, newAfterSeq: number, groupKeys: Map<string, string>}} context
 *   `groupKeys` remembers the group of each line: a group that grows at its top must stay the same elements
 * @returns {Block[]}
 */
export function arrange(messages, drafts, { ownUserId, othersReadSeq, newAfterSeq, groupKeys }) {
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
      blocks.push({ kind: "system", key: message.id, message });
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

  const taken = new Set();
  for (const block of blocks) {
    if (block.kind !== "group") continue;
    const known = block.lines.map(({ key }) => groupKeys.get(key)).find((key) => key && !taken.has(key));
    block.key = known ?? block.key;
    taken.add(block.key);
    for (const { key } of block.lines) groupKeys.set(key, block.key);
  }
  return blocks;
}

/**
 * Keeps the view of each group for as long as what it shows is the same: the same view is not compared again, and a key
 * press over years of history costs what it costs over none.
 *
 * @returns {(block: Extract<Block, {kind: "group"}>, context: unknown[], view: (last: any) => any) => any}
 *   `context` is what the view depends on beside its lines; its last item is handed to `view`
 */
function useKept() {
  const kept = useRef(/** @type {Map<string, {inputs: unknown[], view: any}>} */ (new Map()));
  return ({ key, lines }, context, view) => {
    const inputs = [...context, ...lines.flatMap((line) => [line.key, line.state, line.message, line.draft?.errorCode])];
    const known = kept.current.get(key);
    if (known?.inputs.length === inputs.length && known.inputs.every((input, index) => input === inputs[index])) return known.view;
    const made = { inputs, view: view(context.at(-1)) };
    kept.current.set(key, made);
    return made.view;
  };
}

/**
 * The history, which stays where the reader is: at the end while they are at the end, still while older pages arrive.
 *
 * @param {{room: Room, other: User, product?: import("@haggle/client").Product, actions: MessageActions, seq?: number}} props
 *   `seq`: the message that one came for
 */
export function MessageList({ room, other, product, actions, seq: sought }) {
  const { t, format } = useLanguage();
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const scroll = useRef({ placed: false, atEnd: true, firstSeq: 0, height: 0, seen: 0, drafts: 0 });
  const [unseen, setUnseen] = useState(0);
  const [atEnd, setAtEnd] = useState(true);
  const { messages, drafts } = room;
  const lastSeq = messages.at(-1)?.seq ?? 0;
  const groupKeys = useRef(/** @type {Map<string, string>} */ (new Map()));
  const firstNew = useRef(/** @type {number | undefined} */ (undefined));
  // Fixed at the entry: the mark must not wander off while one reads, and what arrives under one's eyes needs none.
  if (room.entered && firstNew.current === undefined) {
    const hasUnread = messages.some(({ seq, senderId }) => seq > room.readSeqAtEntry && senderId !== room.ownUserId);
    firstNew.current = hasUnread ? room.readSeqAtEntry : Infinity;
  }
  const blocks = arrange(messages, drafts, {
    ownUserId: room.ownUserId,
    othersReadSeq: room.other?.readSeq ?? 0,
    newAfterSeq: firstNew.current ?? Infinity,
    groupKeys: groupKeys.current,
  });

  const groupView = useKept();
  // What a group shows of them: the objects themselves are new with every event.
  const context = [t, room.closed, other.name, other.avatarUrl, product?.status, product?.price, product?.currency];
  const lastGroup = blocks.findLast(({ kind }) => kind === "group");
  const lastKey = lastGroup?.kind === "group" ? lastGroup.lines.findLast((line) => hasMenu(line, room))?.key : undefined;

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
      const day = /** @type {HTMLElement | null} */ (mark?.previousElementSibling?.matches(".day") ? mark.previousElementSibling : null);
      if (mark) element.scrollTop = (day ?? mark).offsetTop - 16;
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

  const { entered } = room;
  useEffect(() => {
    if (!sought || !entered) return;
    let left = false;
    const seek = async () => {
      for (let page = 0; page < SEEK_PAGES_MAX && room.timeline.firstSeq > sought && !left; page++) await room.loadOlder();
      const line = list.current?.querySelector(`[data-seq="${sought}"]`);
      if (left || !line) return;
      line.scrollIntoView({ block: "center" });
      // Before its scroll event tells: anyone who counts as being at the end is taken back there by the next resize.
      measure();
      line.classList.add("sought");
    };
    // A page that failed leaves the reader at the end, where they would be anyway.
    seek().catch(() => {});
    return () => void (left = true);
  }, [room, sought, entered]);

  useEffect(() => {
    document.addEventListener("visibilitychange", markSeen);
    return () => document.removeEventListener("visibilitychange", markSeen);
  }, [room]);

  // The keyboard of a phone, a growing composer, a turned screen: anyone who read the end goes on reading the end.
  useEffect(() => {
    const observer = new ResizeObserver(() => scroll.current.placed && scroll.current.atEnd && toEnd());
    if (list.current) observer.observe(list.current);
    return () => observer.disconnect();
  }, []);

  return html`<div class="history-frame">
    <div class="history" part="history" ref=${list} role="log" aria-live="off" aria-label=${t.history(other.name)} aria-busy=${String(!room.entered)} tabindex="0" onScroll=${measure}>
      ${room.entered &&
      !room.timeline.hasOlder &&
      html`<p class="history-note">${t.beginning}${messages.length === 0 && drafts.length === 0 && ` ${t.beginningHint(other.name)}`}</p>`}
      ${!room.entered && html`<p class="history-note">${t.loading}</p>`}
      ${blocks.map((block) => {
        switch (block.kind) {
          case "day":
            return html`<h3 class="day" key=${block.key}><span>${format.day(block.at)}</span></h3>`;
          case "new":
            return html`<p class="new-mark" key=${block.key}><span>${t.newMessages}</span></p>`;
          case "system":
            return html`<p class="system" key=${block.key}><span>${systemText(block.message, t)}</span></p>`;
          default:
            return groupView(block, [...context, block.lines.some(({ key }) => key === lastKey) ? lastKey : undefined], (reachable) =>
              html`<${Group} key=${block.key} block=${block} other=${other} room=${room} product=${product} actions=${actions} lastKey=${reachable} />`,
            );
        }
      })}
      ${room.otherIsTyping &&
      html`<div class="group" key="typing">
        <${Avatar} user=${other} size="s" />
        <div class="group-lines"><p class="bubble typing-dots"><span class="visually-hidden">${t.isTyping(other.name)}</span><i></i><i></i><i></i></p></div>
      </div>`}
    </div>
    ${room.loadingOlder && html`<p class="loading-older" role="status">${t.loadingOlder}</p>`}
    ${!atEnd &&
    html`<button type="button" class="to-end" data-unseen=${unseen > 0 ? "" : undefined} aria-label=${unseen > 0 ? undefined : t.toNewest} onClick=${toEnd}>
      ${unseen > 0 && html`<span>${t.newMessagesBelow(unseen)}</span>`}<${Icon} name="down" />
    </button>`}
  </div>`;
}

/**
 * @param {{block: Extract<Block, {kind: "group"}>, other: User, room: Room, product?: import("@haggle/client").Product,
 *   actions: MessageActions, lastKey?: string}} props `lastKey`: the message whose menu the Tab key reaches
 */
function Group({ block: { own, lines }, other, room, product, actions, lastKey }) {
  const { t, format } = useLanguage();
  const last = lines.length - 1;
  return html`<div class="group" data-own=${own ? "" : undefined} role="group" aria-label=${own ? t.you : other.name}>
    ${!own && html`<${Avatar} user=${other} size="s" />`}
    <div class="group-lines">
      ${lines.map((line, index) => {
        // A state is told once for a run of messages that share it.
        const endsRun = index === last || lines[index + 1].state !== line.state;
        const { message } = line;
        return html`<div class="line" key=${line.key} data-state=${line.state} data-seq=${message?.seq}>
          ${message?.kind === "offer" && message.data && !message.deletedAt
            ? html`<${OfferCard} message=${message} room=${room} other=${other} product=${product} counter=${actions.counter} />`
            : html`<${Bubble} line=${line} own=${own} other=${other} room=${room} actions=${actions} reachable=${line.key === lastKey} />`}
          ${message && !message.deletedAt && message.warnings?.length && html`<${Warning} kinds=${message.warnings} own=${own} />`}
          ${line.state === "failed" && line.draft
            ? html`<${Failed} draft=${line.draft} room=${room} />`
            : (index === last || (own && endsRun) || message?.editedAt) &&
              html`<p class="meta">
                ${index === last && html`<time datetime=${line.at}>${format.time(line.at)}</time>`}
                ${message?.editedAt && !message.deletedAt && html`<span>${t.edited}</span>`}
                ${line.state && endsRun && html`<span class="delivery"><${Icon} name=${line.state === "sending" ? "clock" : line.state} />${t.delivery[line.state]}</span>`}
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
function hasMenu({ message }, room) {
  if (!message || message.deletedAt || message.kind === "offer") return false;
  return Boolean(message.text) || message.senderId !== room.ownUserId || room.isEditable(message);
}

/**
 * What somebody said, with its menu: behind a button that shows under the pointer, or by a long touch.
 *
 * @param {{line: Line, own: boolean, other: User, room: Room, actions: MessageActions, reachable: boolean}} props
 */
function Bubble({ line, own, other, room, actions, reachable }) {
  const { t, format } = useLanguage();
  const [open, setOpen] = useState(false);
  const press = useRef(/** @type {any} */ (undefined));
  const { message } = line;
  if (message?.deletedAt) return html`<p class="bubble bubble-deleted">${t.deleted}</p>`;

  const image = message?.kind === "image" && message.data?.thumbnailUrl;
  const content = html`
    ${image && html`<${Picture} message=${message} alt=${own ? t.image.yours : t.image.alt(other.name)} room=${room} />`}
    ${(line.text || !image) && html`<p part=${own ? "message message-own" : "message message-other"} class="bubble ${line.text && ONLY_EMOJI.test(line.text) ? "bubble-emoji" : ""}" dir="auto">${line.text}</p>`}
  `;
  if (!message || !hasMenu(line, room)) return html`<div class="line-row">${content}</div>`;

  const items = () => {
    const editable = room.isEditable(message) && !room.closed;
    return [
      ...(message.text ? [{ label: t.copy, icon: "copy", choose: () => void navigator.clipboard?.writeText(message.text ?? "") }] : []),
      ...(editable && message.text ? [{ label: t.edit, icon: "edit", choose: () => actions.edit(message) }] : []),
      ...(editable ? [{ label: t.delete, icon: "trash", danger: true, choose: () => actions.remove(message) }] : []),
      ...(own ? [] : [{ label: t.report.message, icon: "flag", choose: () => actions.report(message) }]),
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
      class="line-menu"
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

/** @param {{kinds: string[], own: boolean}} props */
function Warning({ kinds, own }) {
  const { t, format } = useLanguage();
  const what = format.list([...new Set(kinds.map((kind) => t.warnings.kinds[kind] ?? t.warnings.kinds.other))]);
  return html`<p class="warning" role="note"><${Icon} name="warning" /><span>${own ? t.warnings.own(what) : t.warnings.others(what)}</span></p>`;
}

/** @param {{draft: Draft, room: Room}} props */
function Failed({ draft, room }) {
  const { t } = useLanguage();
  const reason = reasonText(draft.errorCode, draft.errorUntil, t) ?? draft.errorMessage;
  return html`<div class="meta meta-failed" role="alert">
    ${room.closed ? html`<span class="retry"><${Icon} name="failed" />${t.delivery.failed}</span>` : html`<button type="button" class="retry" onClick=${() => room.retry(draft.clientId)}><${Icon} name="failed" />${t.delivery.failed}. ${t.retry}</button>`}
    <button type="button" class="discard" onClick=${() => room.discard(draft.clientId)}>${t.discard}</button>
    ${reason && html`<span class="failure">${reason}</span>`}
  </div>`;
}
