// @ts-check
import { composer } from "../styles/composer.js";
import { conversation } from "../styles/conversation.js";
import { menu } from "../styles/menu.js";
import { offer } from "../styles/offer.js";
import { picture } from "../styles/picture.js";
import { useAttachments, useDrop } from "./attachments.js";
import { messages } from "../styles/messages.js";
import { Failure, useAttempt } from "./attempt.js";
import { Avatar, ProductPicture } from "./avatar.js";
import { Composer } from "./composer.js";
import { PlaceLink } from "./host.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { StandingOffer } from "./standing_offer.js";
import { MenuButton } from "./menu.js";
import { MessageList } from "./message_list.js";
import { describe, named, senderOf } from "./message_text.js";
import { useAsked } from "./asked.js";
import { pendingOffer } from "./offer.js";
import { usePhrases } from "./phrases.js";
import { useRoomMenu } from "./room_menu.js";
import { ConversationSkeleton } from "./skeleton.js";
import { useUnfinished } from "./composer_drafts.js";
import { html, useChanges, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").Product} Product */
/** @typedef {import("@haggle/client").User} User */
/** @typedef {import("@haggle/client").Room} Room */
/** @typedef {import("@haggle/client").Rest} Rest */
/** @typedef {import("./asked.js").Asked} Asked */

/** The style sheets of what stands in a conversation. They are read with it. */
export const sheets = [conversation, messages, picture, offer, composer, menu];

/** So many messages that arrive together are read out one by one; of more, their number. */
const ANNOUNCED_MAX = 3;

const STATUSES = /** @type {Product["status"][]} */ (["on_sale", "reserved", "sold"]);

/**
 * One conversation: who and what it is about, its history, and the composer.
 *
 * @param {{room: Room, inbox: import("@haggle/client").Inbox, state: import("@haggle/client").ConnectionState,
 *   rest: Rest, features: Set<string>, images?: import("./attachments.js").ImageLimits, messageBytesMax: number, sought?: {seq: number}, takesFocus: boolean}} props
 *   `images` is missing where none can be sent; `takesFocus`: somebody came here from another view
 */
export function Conversation({ room, inbox, state, rest, features, images, messageBytesMax, sought, takesFocus }) {
  const { t, format } = useLanguage();
  // With the row of the inbox the header stands before the room has answered.
  const preview = inbox.get(room.id);
  const [announcements, announce] = useAnnouncements();
  const dialog = useAsked();
  const [editing, setEditing] = useState(/** @type {string | undefined} */ (undefined));
  const [replying, setReplying] = useState(/** @type {number | undefined} */ (undefined));
  const [goal, setGoal] = useState(/** @type {{seq: number, isJump?: boolean} | undefined} */ (sought));
  useEffect(() => setGoal(sought), [sought]);
  const reacting = useAttempt();
  const unfinished = useUnfinished(room);
  const phrases = usePhrases(room.ownUserId);
  const attachments = useAttachments(room, images);
  const drop = useDrop(images && !editing && room.writable ? attachments.add : undefined);
  useChanges(room);

  useEffect(() => {
    room.enter();
    return () => room.leave();
  }, [room]);

  // An archived one is on no page that was read.
  const isKnown = preview !== undefined;
  useEffect(() => void (room.entered && inbox.loaded && !isKnown && inbox.read(room.id).catch(() => {})), [room.entered, inbox.loaded, isKnown]);
  // Opened, it is read, also where there is nothing new in it.
  useEffect(() => void (preview?.settings?.unread && rest.markRead(room.id, preview.readSeq).catch(() => {})), [isKnown]);

  const other = named(room.other ?? preview?.other, t);
  useEffect(
    () =>
      room.on("received", (/** @type {Message[]} */ messages) => {
        if (messages.length > ANNOUNCED_MAX) return announce([t.newMessages(messages.length)]);
        announce(
          messages.map((message) => {
            const says = describe(message, { t, format });
            return message.kind === "system" ? says : `${senderOf(message, other, t)?.name ?? ""}: ${says}`;
          }),
        );
      }),
    [room, other?.name, t],
  );
  useOfferNews(room, (message) => {
    const { amount, currency, status } = /** @type {import("@haggle/client").OfferData} */ (message.data);
    announce([t.offer.became(format.price(amount, currency), t.offer.status[/** @type {"pending"} */ (status)])]);
  });

  // With a connection again, the failure to load a dialog is outdated.
  useEffect(() => void (state === "open" && dialog.forget()), [state]);

  // Somebody who has blocked the other can take it back; nobody else is told.
  const closed = !room.writable;
  const [blocking, setBlocking] = useState(false);
  useEffect(() => {
    let left = false;
    if (!closed || !other) setBlocking(false);
    else rest.hasBlocked(other.id).then((blocked) => !left && setBlocking(blocked), () => {});
    return () => void (left = true);
  }, [closed, other?.id]);

  if (room.error) {
    return html`<section class="pane conversation" part="conversation" aria-label=${t.chats}>
      <div class="empty">
        <p class="empty-title" role="alert">${t.roomRefused}</p>
        <${PlaceLink} to=${{ view: "inbox" }} class="button">${t.back}<//>
      </div>
    </section>`;
  }
  if (!other) return html`<${ConversationSkeleton} />`;

  const product = preview?.product ?? room.info?.product;
  const about = { room, other, product };
  const waiting = pendingOffer(room);
  const mayOffer = room.entered && product && product.status !== "sold" && room.standingOffer?.status !== "accepted";
  const ask = (/** @type {Asked["kind"]} */ kind) => (/** @type {Message | undefined} */ message) => void dialog.ask({ kind, message });
  /** @type {import("./message_group.js").MessageActions} */
  const actions = {
    counter: (offer) => void dialog.ask({ kind: "counter", offer }),
    accept: (offer, onClosed) => void dialog.ask({ kind: "accept", offer, onClosed }),
    remove: ask("delete"),
    report: ask("report"),
    enlarge: ask("picture"),
    edit: ({ id }) => setEditing(id),
    rewrite: (draft) => {
      unfinished.putBack(draft.text ?? "");
      setReplying(draft.replyTo);
      room.discard(draft.clientId);
    },
    seek: (seq) => setGoal({ seq, isJump: true }),
    reply: features.has("replies") ? ({ seq }) => setReplying(seq) : undefined,
    react: features.has("reactions") ? ({ id }, emoji) => void reacting.attempt(() => room.react(id, emoji)) : undefined,
  };
  const replied = replying ? room.messageAt(replying) : undefined;
  const failure = dialog.failure ?? reacting.failure;
  const edited = editing ? room.messages.find(({ id, deletedAt }) => id === editing && !deletedAt) : undefined;
  // Their offer that waits must be answered before one names a price oneself.
  const makeOffer = () => void dialog.ask(waiting && waiting.senderId !== room.ownUserId ? { kind: "counter", offer: waiting } : { kind: "offer" });

  const isNew = room.entered && room.messages.length === 0 && room.drafts.length === 0;
  const asks = isNew && product?.status === "on_sale" && product.sellerId !== room.ownUserId;

  return html`<section class="pane conversation" part="conversation" aria-labelledby="conversation-title" data-opening=${dialog.opening ? "" : undefined} ...${drop.handlers}>
    <${Header} ...${about} inbox=${inbox} state=${state} rest=${rest} blocking=${blocking} ask=${ask} takesFocus=${takesFocus} />
    <${StandingOffer} ...${about} actions=${actions} />
    <${MessageList} ...${about} actions=${actions} sought=${goal} />
    <div class="visually-hidden" aria-live="polite">${announcements.map(({ id, text }) => html`<p key=${id}>${text}</p>`)}</div>
    ${!closed && product && html`<${StatusHint} room=${room} product=${product} />`}
    <${Failure} of=${failure} class="status-hint" />
    <p class="visually-hidden" role="status">${dialog.opening && t.loading}</p>
    <div class="composer-closed-region" role="status">${closed && html`<p class="composer-closed">${room.frozen ? t.frozen : t.closed}</p>`}</div>
    ${!closed &&
    html`<${Composer}
      ...${about}
      unfinished=${unfinished}
      editing=${edited}
      endEdit=${() => setEditing(undefined)}
      replied=${replied?.deletedAt ? undefined : replied}
      endReply=${() => setReplying(undefined)}
      phrases=${phrases}
      editPhrases=${ask("phrases")}
      makeOffer=${mayOffer ? makeOffer : undefined}
      question=${asks ? t.isAvailable : undefined}
      images=${images}
      attachments=${attachments}
      messageBytesMax=${messageBytesMax}
      takesFocus=${takesFocus}
    />`}
    ${drop.isOver && html`<p class="drop-hint">${t.image.drop}</p>`}
    ${dialog.asked && html`<${dialog.AskedDialog} asked=${dialog.asked} ...${about} phrases=${phrases} rest=${rest} onClose=${dialog.close} />`}
  </section>`;
}

/**
 * What a screen reader says, each once: as elements of their own, since the same words twice in a row would change nothing.
 *
 * @returns {[{id: number, text: string}[], (texts: string[]) => void]}
 */
function useAnnouncements() {
  const said = useRef(0);
  const [announcements, setAnnouncements] = useState(/** @type {{id: number, text: string}[]} */ ([]));
  const latest = useRef(announcements);
  const announce = (/** @type {string[]} */ texts) => {
    const added = texts.map((text) => ({ id: said.current++, text }));
    latest.current = [...latest.current, ...added].slice(-2 * ANNOUNCED_MAX);
    setAnnouncements(latest.current);
  };
  return [announcements, announce];
}

/**
 * Notifies of each offer whose state changes under one's eyes.
 *
 * @param {Room} room
 * @param {(message: Message) => void} tell
 */
function useOfferNews(room, tell) {
  const known = useRef(/** @type {Map<string, string>} */ (new Map()));
  useEffect(() => {
    for (const message of room.messages) {
      if (message.kind !== "offer" || !message.data) continue;
      const before = known.current.get(message.id);
      known.current.set(message.id, message.data.status);
      if (before && before !== message.data.status) tell(message);
    }
  });
}

/**
 * What the product's status means for the person who is about to write, where no offer of this room has made it so.
 *
 * @param {{room: Room, product: Product}} props
 */
function StatusHint({ room, product: { status, sellerId } }) {
  const { t } = useLanguage();
  const isTakenHere = room.standingOffer?.status === "accepted";
  const reserved = sellerId === room.ownUserId ? t.statusHint.reservedBySeller : t.statusHint.reserved;
  const text = isTakenHere || status === "on_sale" ? "" : status === "sold" ? t.statusHint.sold : reserved;
  return html`<div class="status-hint-region" role="status">${text && html`<p class="status-hint status-${status}">${text}</p>`}</div>`;
}

/**
 * @param {{room: Room, inbox: import("@haggle/client").Inbox, other: User, state: import("@haggle/client").ConnectionState, product?: Product, rest: Rest,
 *   blocking: boolean, ask: (kind: Asked["kind"]) => (message?: Message) => void, takesFocus: boolean}} props
 */
function Header({ room, inbox, other, state, product, rest, blocking, ask, takesFocus }) {
  const { t, format } = useLanguage();
  const [, refresh] = useState({});
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const online = state === "open" && room.other?.online && !room.closed;
  const typing = room.otherIsTyping && !room.closed;
  // The link that led here is hidden on a phone. On a desk the composer takes the focus after this.
  useEffect(() => void (takesFocus && title.current?.focus({ preventScroll: true })), []);
  const lastSeenAt = room.other?.lastSeenAt;
  useEffect(() => {
    const timer = setInterval(() => refresh({}), 60_000);
    return () => clearInterval(timer);
  }, []);
  const offline = lastSeenAt ? t.lastSeen(format.ago(room.now() - Date.parse(lastSeenAt))) : t.offline;
  const { failure, attempt } = useAttempt();
  const menuOf = useRoomMenu(inbox, rest, attempt);
  const items = () => [
    ...menuOf(inbox.get(room.id), true),
    // Support is nobody whom one could report or block.
    ...(product
      ? [
          { label: t.report.conversation, icon: "flag", choose: () => ask("report")() },
          blocking
            ? { label: t.unblock(other.name), icon: "block", choose: () => ask("unblock")() }
            : { label: t.block(other.name), icon: "block", danger: true, choose: () => ask("block")() },
        ]
      : []),
  ];
  return html`<header class="conversation-head" part="header">
    <${PlaceLink} to=${{ view: "inbox" }} class="icon-button back" part="back" aria-label=${t.back}><${Icon} name="back" /><//>
    <${Avatar} user=${other} size="m" online=${online} />
    <div class="conversation-who">
      <h2 id="conversation-title" class="plain-line" dir="auto" ref=${title} tabindex="-1">${other.name}</h2>
      <p class="conversation-state plain-line" data-typing=${typing ? "" : undefined} data-online=${online ? "" : undefined}>
        ${typing ? t.typing : state !== "open" || !room.entered ? "\u00A0" : room.closed || !product ? "" : online ? t.online : offline}
      </p>
    </div>
    ${product && html`<${ProductStrip} product=${product} own=${product.sellerId === room.ownUserId} rest=${rest} />`}
    <${MenuButton} class="icon-button conversation-menu" label=${t.conversationMenu} items=${items}><${Icon} name="more" /><//>
    <${Failure} of=${failure} />
  </header>`;
}

/**
 * What it is about. Its seller sets its status here.
 *
 * @param {{product: Product, own: boolean, rest: Rest}} props
 */
function ProductStrip({ product, own, rest }) {
  const { t, format } = useLanguage();
  const { failure, attempt } = useAttempt();
  const { id, status } = product;
  const items = () =>
    STATUSES.map((next) => ({
      label: next === status ? t.status[next] : t.setStatus[next],
      checked: next === status,
      choose: () => void (next !== status && attempt(() => rest.setProductStatus(id, next))),
    }));
  return html`<div class="product-strip">
    <${ProductPicture} product=${product} class="picture-s" />
    <div class="product-strip-text">
      <p class="product-strip-title plain-line" dir="auto">${product.title}</p>
      <div class="product-strip-line">
        <span class="product-strip-price plain-line">${format.price(product.price, product.currency)}</span>
        ${own
          ? html`<${MenuButton} class="status status-button status-${status}" label=${t.productStatus(t.status[status])} items=${items}>
              <span>${t.status[status]}</span><${Icon} name="down" />
            <//>`
          : html`<span class="status status-${status}">${t.status[status]}</span>`}
      </div>
      <${Failure} of=${failure} />
    </div>
  </div>`;
}
