// @ts-check
import { Emitter, once } from "./emitter.js";
import { HaggleError, isTransient, unlessAborted } from "./error.js";
import { newClientId } from "./outbox.js";
import { deliveryOf } from "./receipts.js";
import { Timeline } from "./timeline.js";

/** @import { Connection } from "./connection.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Receipts } from "./receipts.js" */
/** @import { Rest } from "./rest.js" */
/** @import { RoomTokens } from "./room_tokens.js" */
/** @import { Room as Declared } from "../types/index.d.ts" */
/** @import { Abortable, Entered, Member, Message, RoomInfo, StandingOffer, User } from "../types/types.d.ts" */

/** "typing…" ends by itself when the other side vanished in the middle of a word. */
const TYPING_EXPIRES_MS = 6_000;
/** While somebody types, the others hear of it this often. */
const TYPING_REPEAT_MS = 3_000;
/** A room token that is short-lived must not turn into a storm of entries. */
const TOKEN_RETRY_MS = 1_000;
/** The server lets a message be edited or deleted for this long. */
const EDITABLE_MS = 15 * 60_000;

/**
 * One conversation, as seen by one of its two members. `types/index.d.ts` describes it.
 *
 * @extends {Emitter<{change: void, received: Message[]}>}
 */
export class Room extends Emitter {
  timeline = new Timeline();
  /** @type {RoomInfo | undefined} */ info;
  /** @type {Member[]} */ members = [];
  /** @type {HaggleError | undefined} why it could not be entered */ error;
  /** @type {StandingOffer | undefined} */ standingOffer;
  readSeqAtEntry = 0;
  caughtUp = false;
  closed = false;
  frozen = false;
  otherIsTyping = false;
  loadingOlder = false;

  #wanted = false;
  #enteredByUser = false;
  #enterAgain = false;
  #readSeq = 0;
  #readSeqWanted = 0;
  /** Earlier ones, which others reply to. @type {Map<number, Message>} */ #apart = new Map();
  /** Those that are being read: many may quote the same one. @type {Record<number, ReturnType<Rest["listMessages"]>>} */ #loading = {};
  /** @type {Promise<void> | undefined} */ #entering;
  /** @type {any} */ #typingTimer;
  /** @type {any} */ #tokenTimer;
  #typingSentAt = 0;
  #connection;
  #rest;
  #outbox;
  #roomTokens;
  #receipts;

  /**
   * @param {string} id
   * @param {string} ownUserId
   * @param {Connection} connection
   * @param {Rest} rest
   * @param {Outbox} outbox
   * @param {RoomTokens} roomTokens
   * @param {Receipts} receipts
   */
  constructor(id, ownUserId, connection, rest, outbox, roomTokens, receipts) {
    super();
    this.id = id;
    this.ownUserId = ownUserId;
    this.#connection = connection;
    this.#rest = rest;
    this.#outbox = outbox;
    this.#roomTokens = roomTokens;
    this.#receipts = receipts;
  }

  /** @type {Declared["enter"]} */
  enter() {
    this.#wanted = true;
    this.error = undefined;
    this.caughtUp = false;
    this.#enteredByUser = true;
    this.#enterAgain = true;
    void this.#enter();
  }

  /** @type {Declared["whenEntered"]} */
  whenEntered({ signal } = {}) {
    return unlessAborted(signal, () =>
      once((resolve, reject) => {
        const look = () => (this.error ? reject(this.error) : this.entered && resolve(undefined));
        const off = this.on("change", look);
        look();
        return off;
      }),
    );
  }

  /** @type {Declared["leave"]} */
  leave() {
    clearTimeout(this.#tokenTimer);
    this.#wanted = false;
    this.caughtUp = false;
    this.otherIsTyping = false;
    this.setTyping(false);
    if (this.#connection.state === "open") {
      this.#connection.request("leaveRoom", { roomId: this.id }).catch(() => {});
    }
  }

  get writable() {
    return !this.closed && !this.frozen;
  }

  get entered() {
    return this.timeline.started;
  }

  get other() {
    return this.members.find(({ id }) => id !== this.ownUserId);
  }

  get messages() {
    return this.timeline.list(this.ownUserId);
  }

  get drafts() {
    return this.#outbox.list(this.id);
  }

  /** @type {Declared["send"]} */
  send(content) {
    this.setTyping(false);
    return this.#outbox.add(this.id, typeof content === "string" ? { text: content } : content);
  }

  /** @type {Declared["retry"]} */
  retry(clientId) {
    this.#outbox.retry(clientId);
  }

  /** @type {Declared["discard"]} */
  discard(clientId) {
    this.#outbox.discard(clientId);
  }

  /** @type {Declared["loadOlder"]} */
  async loadOlder({ signal } = {}) {
    if (this.loadingOlder || !this.timeline.hasOlder) return;
    this.loadingOlder = true;
    this.emit("change");
    const { moment } = this.timeline;
    try {
      const { items } = await this.#rest.listMessages(this.id, { before: this.timeline.firstSeq, signal });
      this.timeline.merge(items, moment);
    } finally {
      this.loadingOlder = false;
      this.emit("change");
    }
  }

  /** @type {Declared["markRead"]} */
  markRead(seq) {
    if (seq <= this.#readSeqWanted) return;
    this.#readSeqWanted = seq;
    this.#sendRead();
  }

  /** @type {Declared["deliveryOf"]} */
  deliveryOf({ seq, senderId }) {
    return senderId === this.ownUserId ? deliveryOf(seq, this.other) : undefined;
  }

  /** @type {Declared["setTyping"]} */
  setTyping(typing) {
    const now = Date.now();
    if (typing ? now - this.#typingSentAt < TYPING_REPEAT_MS : this.#typingSentAt === 0) return;
    this.#typingSentAt = typing ? now : 0;
    this.#connection.notify("typing", { roomId: this.id, typing });
  }

  /** Called by the client after each reconnection. */
  reconnected() {
    this.#typingSentAt = 0;
    this.#enterAgain = true;
    if (this.#wanted) void this.#enter();
  }

  /** Called by the client when the connection is lost: nothing is known about the other member until it is back. */
  disconnected() {
    clearTimeout(this.#tokenTimer);
    this.#setOtherIsTyping(false);
    this.emit("change");
  }

  /**
   * Called by the client for each push that belongs to this room.
   *
   * @param {string} event
   * @param {any} data
   */
  push(event, data) {
    switch (event) {
      case "message":
        this.receive([data]);
        break;
      case "messageUpdated":
        this.#followOffer(data);
        if (this.#apart.has(data.seq)) this.#apart.set(data.seq, data);
        if (this.timeline.started && data.seq >= this.timeline.firstSeq) this.timeline.merge([data]);
        break;
      case "read":
        this.#updateMember(data.userId, ({ readSeq }) => ({ readSeq: Math.max(readSeq, data.seq) }));
        break;
      case "delivered":
        this.#updateMember(data.userId, ({ deliveredSeq = 0 }) => ({ deliveredSeq: Math.max(deliveredSeq, data.seq) }));
        break;
      case "presence":
        this.#updateMember(data.userId, () => ({ online: data.online, lastSeenAt: data.lastSeenAt }));
        if (data.userId !== this.ownUserId && !data.online) this.otherIsTyping = false;
        break;
      case "typing":
        if (data.userId === this.ownUserId) return;
        this.#setOtherIsTyping(data.typing);
        break;
      case "roomUpdated":
        if (this.info) this.info = { ...this.info, product: data.product };
        // Who is called how by now; of somebody who was erased no name and no picture is left.
        for (const user of /** @type {User[]} */ ([data.buyer, data.seller])) this.#updateMember(user.id, () => ({ avatarUrl: undefined, ...user }));
        this.closed = data.closed ?? false;
        this.frozen = data.frozen ?? false;
        this.standingOffer = data.offer;
        break;
    }
    this.emit("change");
  }

  /**
   * Takes stored messages from a push, an acknowledgement or a catch-up.
   * @param {Message[]} messages
   */
  receive(messages) {
    const before = this.timeline.lastSeq;
    this.timeline.merge(messages);
    for (const message of messages) {
      this.#outbox.settle(message);
      this.#followOffer(message);
      if (message.senderId !== this.ownUserId) this.#setOtherIsTyping(false);
    }
    if (this.timeline.started) {
      const received = this.messages.filter(({ seq, senderId }) => seq > before && senderId !== this.ownUserId);
      if (received.length > 0) this.emit("received", received);
      if (this.timeline.hasGap && this.#wanted) void this.#enter();
    }
    this.emit("change");
  }

  /** One entry at a time; a leave and return, or a reconnection, while it runs is served right after it. */
  #enter() {
    this.#entering ??= this.#enterOnce().finally(() => {
      this.#entering = undefined;
      if (this.#enterAgain && this.#wanted && this.#connection.state === "open") void this.#enter();
    });
    return this.#entering;
  }

  async #enterOnce() {
    this.#enterAgain = false;
    try {
      let more = true;
      while (more && this.#wanted) more = this.timeline.started ? await this.#catchUp() : await this.#enterFirst();
      this.error = undefined;
      // Someone who has left and come back meanwhile waits for the answer to that.
      this.caughtUp = this.#wanted && !this.#enteredByUser;
      this.#sendRead();
    } catch (error) {
      // A lost connection is served by `reconnected`; a refusal is shown.
      if (!(error instanceof HaggleError)) throw error;
      if (isTransient(error)) {
        if (this.#connection.state === "open") setTimeout(() => this.#wanted && this.#enter(), error.retryAfterMs ?? 2_000);
      } else {
        this.error = error;
      }
    }
    this.#renewToken();
    this.emit("change");
  }

  /** Where a room token lets one in, receiving ends with it. */
  #renewToken() {
    clearTimeout(this.#tokenTimer);
    const delay = this.#roomTokens.renewalInMs(this.id);
    if (!this.#wanted || this.error || delay === undefined) return;
    this.#tokenTimer = setTimeout(() => this.#connection.state === "open" && this.reconnected(), Math.max(delay, TOKEN_RETRY_MS));
  }

  /** @param {{roomId: string, after?: number}} data @returns {Promise<Entered>} */
  #requestEntry(data) {
    return this.#roomTokens.use(this.id, (token) => this.#connection.request("enterRoom", { ...data, token }));
  }

  async #enterFirst() {
    /** @type {Entered} */
    const entered = await this.#requestEntry({ roomId: this.id });
    this.#readSeqWanted = entered.readSeq;
    this.timeline.start(entered.messages, entered.lastSeq);
    for (const message of entered.messages) this.#outbox.settle(message);
    this.#take(entered);
    return this.timeline.hasGap;
  }

  /** @returns {Promise<boolean>} whether there is more to catch up */
  async #catchUp() {
    const newest = this.messages.at(-1);
    /** @type {Entered} */
    const entered = await this.#requestEntry({ roomId: this.id, after: this.timeline.lastSeq });
    this.#take(entered);
    this.receive(entered.messages);
    if (entered.hasMore && entered.messages.length > 0) return true;
    // Edits, deletions and reactions have no `seq` of their own, so `after` does not bring those of known messages.
    if (newest) {
      const { moment } = this.timeline;
      const { items } = await this.#rest.listMessages(this.id);
      this.timeline.merge(items.filter(({ seq }) => seq >= this.timeline.firstSeq && seq <= this.timeline.lastSeq), moment);
    }
    this.#apart.clear();
    await this.#refreshOffers();
    return this.timeline.hasGap && entered.messages.length > 0;
  }

  /** @param {Entered} entered */
  #take({ room, members, lastSeq, readSeq, closed, frozen, offer }) {
    if (this.#enteredByUser) this.readSeqAtEntry = Math.max(readSeq, this.#readSeqWanted);
    this.#enteredByUser = false;
    this.info = room;
    this.closed = closed ?? false;
    this.frozen = frozen ?? false;
    this.standingOffer = offer;
    this.members = members;
    this.#readSeq = readSeq;
    this.#receipts.enter(this.id, lastSeq);
    this.emit("change");
  }

  #sendRead() {
    const seq = this.#readSeqWanted;
    if (seq <= this.#readSeq || this.#connection.state !== "open") return;
    this.#connection.request("read", { roomId: this.id, seq }).then(
      ({ readSeq }) => (this.#readSeq = Math.max(this.#readSeq, readSeq)),
      () => {
        // Sent again after the next entry: `#readSeqWanted` is still ahead.
      },
    );
  }

  /**
   * @param {string} userId
   * @param {(member: Member) => Partial<Member>} change
   */
  #updateMember(userId, change) {
    this.members = this.members.map((member) => (member.id === userId ? { ...member, ...change(member) } : member));
  }

  /** @param {boolean} typing */
  #setOtherIsTyping(typing) {
    clearTimeout(this.#typingTimer);
    this.otherIsTyping = typing;
    if (typing) this.#typingTimer = setTimeout(() => this.push("typing", { typing: false }), TYPING_EXPIRES_MS);
  }

  /**
   * A message may have made the offer that stands, or say that it does not stand any more.
   * @param {Message} message
   */
  #followOffer({ kind, id, senderId, data }) {
    if (kind !== "offer") return;
    if (data?.status === "pending" || data?.status === "accepted") {
      const { amount, currency, status, expiresAt } = data;
      this.standingOffer = { messageId: id, senderId, amount, currency, status, expiresAt };
    } else if (this.standingOffer?.messageId === id) {
      this.standingOffer = undefined;
    }
  }

  /** An answer to an offer has no `seq` of its own either. At most one offer waits and one is accepted, so this is little. */
  async #refreshOffers() {
    for (const { kind, data, seq } of this.messages) {
      if (kind === "offer" && (data?.status === "pending" || data?.status === "accepted")) await this.reload(seq);
    }
  }

  /** @type {Declared["reload"]} */
  async reload(seq, { signal } = {}) {
    const { moment } = this.timeline;
    const { items } = await this.#rest.listMessages(this.id, { before: seq + 1, limit: 1, signal });
    this.timeline.merge(items, moment);
    this.emit("change");
  }

  /** @type {Declared["messageAt"]} */
  messageAt(seq) {
    return this.timeline.get(seq) ?? this.#apart.get(seq);
  }

  /** @type {Declared["loadMessage"]} */
  async loadMessage(seq, { signal } = {}) {
    if (!this.messageAt(seq)) {
      const { items } = await (this.#loading[seq] ??= this.#rest.listMessages(this.id, { after: seq - 1, limit: 1, signal }).finally(() => delete this.#loading[seq]));
      // There may be a hole between it and the others.
      for (const message of items) this.#apart.set(message.seq, message);
      this.emit("change");
    }
    return this.messageAt(seq);
  }

  /** @type {Declared["offer"]} */
  async offer({ amount, currency, clientId = newClientId() }, options) {
    const message = await this.#connection.request("offer", { roomId: this.id, amount, currency, clientId }, options);
    this.receive([message]);
    return message;
  }

  /** @type {Declared["answerOffer"]} */
  answerOffer(messageId, answer, amount, options) {
    return this.#change("answerOffer", { roomId: this.id, messageId, answer, amount }, options);
  }

  /** @type {Declared["edit"]} */
  edit(messageId, text, options) {
    this.setTyping(false);
    return this.#change("editMessage", { messageId, text }, options);
  }

  /** @type {Declared["delete"]} */
  delete(messageId, options) {
    return this.#change("deleteMessage", { messageId }, options);
  }

  /** @type {Declared["react"]} */
  react(messageId, emoji, options) {
    return this.#change("react", { roomId: this.id, messageId, emoji }, options);
  }

  /** @type {Declared["isEditable"]} */
  isEditable({ senderId, kind, sentAt, deletedAt }) {
    const changeable = senderId === this.ownUserId && (kind === "text" || kind === "image") && !deletedAt;
    return changeable && this.now() - Date.parse(sentAt) < EDITABLE_MS;
  }

  /** @type {Declared["sendImage"]} */
  async sendImage(image, options) {
    const message = await this.#rest.sendImage(this.id, image, options);
    this.receive([message]);
    return message;
  }

  /**
   * @param {string} event
   * @param {object} data
   * @param {Abortable} [options]
   */
  async #change(event, data, options) {
    const message = await this.#connection.request(event, data, options);
    this.push("messageUpdated", message);
    return message;
  }

  /** @type {Declared["now"]} */
  now() {
    return this.#connection.now();
  }

  /** @type {Declared["newClientId"]} */
  newClientId() {
    return newClientId();
  }
}
