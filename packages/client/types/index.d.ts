/**
 * `@haggle/client`: the client of haggle, the chat server for marketplaces. Browsers, Node.js 18 and later, React Native.
 *
 * This page is everything that the package exports; what travels is in `types.d.ts`.
 */

import type {
  Abortable,
  Block,
  ClientEvents,
  ClientOptions,
  ConnectionState,
  Currency,
  DeliveryState,
  Draft,
  ErrorCode,
  Features,
  Found,
  ImageFile,
  ImageMessage,
  ImageOptions,
  InboxItem,
  Member,
  Message,
  OfferAnswer,
  OfferMessage,
  Page,
  PageOptions,
  Product,
  ProductStatus,
  Receipt,
  ReportCategory,
  RoomInfo,
  RoomSettings,
  RoomToken,
  ServerEvents,
  Settings,
  StandingOffer,
  TextMessage,
  UnreadTotal,
  User,
  Wire,
} from "./types.js";

export type * from "./types.js";

/** The version of this package. */
export const VERSION: string;

/** The versions of the protocol that this client speaks, the best one first. The server chooses one of them. */
export const PROTOCOLS: string[];

/**
 * The plain WebSocket wire, one JSON object per frame. It is the default.
 *
 * @throws {HaggleError} `no_websocket` where the runtime has no WebSocket and none is given
 */
export function plainWire(baseUrl: string, options?: { WebSocket?: unknown }): Wire;

/**
 * The Socket.IO wire, with the official client. Where a proxy lets no WebSocket through, it polls.
 *
 * ```js
 * import { io } from "socket.io-client";
 * new HaggleClient({ …, wire: socketIoWire("https://chat.example.com", io) });
 * ```
 */
export function socketIoWire(baseUrl: string, io: (url: string, options: any) => any): Wire;

/** A key for what is sent, to be kept for as long as the same thing is tried again. */
export function newClientId(): string;

/** A failed request, by WebSocket, Socket.IO or REST. Compare `code`; `message` and `hint` are sentences for a developer. */
export class HaggleError extends Error {
  constructor(code: ErrorCode, message?: string, details?: { status?: number; retryAfterMs?: number; until?: string; params?: { reason?: string }; requestId?: string; cause?: unknown });
  readonly code: ErrorCode;
  /** The HTTP status, where the answer came over REST. */
  readonly status: number | undefined;
  /** For `rate_limited`: when the next try can succeed. */
  readonly retryAfterMs: number | undefined;
  /** For `muted`: when that ends; absent where it has no end. */
  readonly until: string | undefined;
  /** For `refused`: the marketplace's reason, in its own words, where it gave one. */
  readonly params: { reason?: string } | undefined;
  /** Names a failed REST request in the server's log. */
  readonly requestId: string | undefined;
  /** What the failure came from, such as the reason of an aborted signal. */
  readonly cause: unknown;
  /** What to do next. */
  get hint(): string;
  /** Whether the very same request may succeed later. */
  get isTransient(): boolean;
}

/** A publisher. A listener that throws is reported as an uncaught error and does not stop the others. */
export interface Emitter<Events extends object> {
  /** @returns ends the subscription */
  on<Name extends keyof Events & string>(event: Name, listener: (data: Events[Name]) => void): () => void;
}

/** What a client emits: the server's events by their names, and its own. */
export interface Signals extends ServerEvents {
  /** On every change. */
  state: ConnectionState;
  /** The connection has ended for good. */
  stopped: HaggleError;
  /** Every event of the server, also those that this client does not know. */
  push: { event: string; data: any };
}

/**
 * One signed-in person, one connection, any number of rooms.
 *
 * ```js
 * const client = new HaggleClient({
 *   userId: "mina",
 *   baseUrl: "https://chat.example.com",
 *   fetchToken: () => fetch("/my/backend/chat-token").then(async (response) => (await response.json()).token),
 *   storage: localStorage,
 * });
 * client.inbox.on("change", () => showInbox(client.inbox.items, client.inbox.unread));
 * client.connect();
 *
 * const room = client.room(roomId);
 * room.on("change", () => showConversation(room.messages, room.drafts, room.other));
 * room.enter();
 * room.send("Hello, is it still for sale?");
 * ```
 *
 * It takes care of fresh tokens, reconnection by the server's rules, heartbeats, catching up in order and without doubles,
 * and sending again what was not acknowledged.
 */
export class HaggleClient implements Emitter<Signals> {
  /** @throws {HaggleError} `no_websocket` where the runtime has no WebSocket and none is given */
  constructor(options: ClientOptions);
  on<Name extends keyof Signals & string>(event: Name, listener: (data: Signals[Name]) => void): () => void;
  readonly userId: string;
  /** The server's time, to count down by. */
  readonly clock: ServerClock;
  /** The server's routes. */
  readonly rest: Rest;
  /** One's own rooms. */
  readonly inbox: Inbox;
  get state(): ConnectionState;
  /** Why there is no connection, where that is known. */
  get error(): HaggleError | undefined;
  /** The version of the protocol that the server chose from {@link PROTOCOLS}, where the wire says it: the plain one does. */
  get protocol(): string | undefined;
  /** Connects, and stays connected until {@link close}. */
  connect(): void;
  /**
   * Waits until there is a connection.
   *
   * @throws {HaggleError} why there will be none, or `aborted`
   */
  whenOpen(options?: Abortable): Promise<void>;
  /** Reconnects now instead of when the backoff ends. For a button. */
  reconnectNow(): void;
  /** To be called when the page or the app comes back from a long sleep: a connection may have died unnoticed. */
  wake(): void;
  /**
   * Ends the connection. What is unacknowledged stays in the storage for the next time, unless `forget` is true: for a
   * sign-out on a shared device.
   */
  close(options?: { forget?: boolean }): void;
  /** The room with that id, the same object each time. Nothing is requested before its `enter()`. */
  room(roomId: string): Room;
  /**
   * Sends an event and waits for its answer. For what {@link Room} has no method for.
   *
   * @throws {HaggleError} the server's code, or `disconnected`, `timeout`, `aborted`
   */
  request<Name extends keyof ClientEvents>(event: Name, data: ClientEvents[Name]["data"], options?: Abortable): Promise<ClientEvents[Name]["reply"]>;
}

/** The server's time: a device's own clock may be days off. Until the server has said its time, it is the device's. */
export interface ServerClock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** The signed-in user's rooms, live without entering any of them. */
export interface Inbox extends Emitter<{ change: void }> {
  /** Pinned rooms first, then latest activity first, without archived ones. A room in which nobody has written is the buyer's alone. */
  readonly items: InboxItem[];
  /** Archived rooms that are known so far: see {@link loadArchived}. */
  readonly archived: InboxItem[];
  /** Unread messages in all rooms: {@link unreadTotal}`.messages`. */
  readonly unread: number;
  /** What is unread by the server's count. Before the first {@link load}, of the rooms that are known. */
  readonly unreadTotal: UnreadTotal;
  /** Whether the first page has been read. */
  readonly loaded: boolean;
  /** Whether {@link loadMore} has something to read. */
  readonly hasMore: boolean;
  get(roomId: string): InboxItem | undefined;
  /** How far the last message of a room has come, where it is one's own. */
  deliveryOf(item: InboxItem): DeliveryState | undefined;
  /** Reads the first page again. The client does it after each reconnection. */
  load(options?: Abortable): Promise<void>;
  /** Reads the next page, if there is one. */
  loadMore(options?: Abortable): Promise<void>;
  /** Whether {@link loadArchived} has something to read. */
  readonly hasMoreArchived: boolean;
  /** Reads the next page of archived rooms, if there is one. */
  loadArchived(options?: Abortable): Promise<void>;
  /** Reads one room again, also an archived one that is not known yet. */
  read(roomId: string, options?: Abortable): Promise<InboxItem>;
  /** Changes one's own settings of a room. Those that are left out stay. */
  set(roomId: string, settings: Partial<RoomSettings>, options?: Abortable): Promise<RoomSettings>;
}

/**
 * One conversation, as seen by one of its two members.
 *
 * `change` is emitted whenever anything here changed, `received` with the messages of the other member that are new here
 * (live or caught up, never history).
 */
export interface Room extends Emitter<{ change: void; received: Message[] }> {
  readonly id: string;
  readonly ownUserId: string;
  /** Its product and members, once it was entered. */
  readonly info: RoomInfo | undefined;
  readonly members: Member[];
  /** The other member, once it was entered. */
  readonly other: Member | undefined;
  /** Stored messages, oldest first. */
  readonly messages: Message[];
  /** What the server has not acknowledged, in the order it was written. */
  readonly drafts: readonly Draft[];
  readonly timeline: Timeline;
  /** Why it could not be entered. */
  readonly error: HaggleError | undefined;
  /** Whether its newest messages are here. It stays so over a lost connection. */
  readonly entered: boolean;
  /** The offer that waits for its answer, or was accepted, however far back its message is. */
  readonly standingOffer: StandingOffer | undefined;
  /** Last `seq` that the signed-in user had read when they entered: where "new messages" begins. */
  readonly readSeqAtEntry: number;
  /** Whether the latest {@link enter} was answered, and everything up to then is here. Before that, {@link readSeqAtEntry} is that of the visit before. */
  readonly caughtUp: boolean;
  /** Nobody can say anything here: one of the two has blocked the other, or the other was deleted. */
  readonly closed: boolean;
  /** The marketplace has frozen the conversation: nobody can say anything until it is unfrozen. */
  readonly frozen: boolean;
  /** Whether the two members can say something here: it is neither closed nor frozen. */
  readonly writable: boolean;
  readonly otherIsTyping: boolean;
  /** Whether {@link loadOlder} waits for a page. */
  readonly loadingOlder: boolean;
  /** Enters now, and again after every reconnection, until {@link leave}. */
  enter(): void;
  /**
   * Waits until the room has been entered and its newest messages are here.
   *
   * @throws {HaggleError} why it can't be entered, or `aborted`
   */
  whenEntered(options?: Abortable): Promise<void>;
  /** Its events no longer come. */
  leave(): void;
  /**
   * Says something, now or as soon as there is a connection: it is among {@link drafts} until the server has stored it.
   *
   * @param content `replyTo`: the `seq` of an earlier message of the room, from servers with `replies` among their features
   * @returns its `clientId`, which the stored message has, too
   * @throws {TypeError} when `data` can't be written as JSON
   */
  send(content: string | { text?: string; data?: unknown; replyTo?: number }): string;
  /** Sends a failed draft again. */
  retry(clientId: string): void;
  /** Gives a draft up. */
  discard(clientId: string): void;
  /** One page further back. Does nothing while a page is under way, or when the beginning is here. */
  loadOlder(options?: Abortable): Promise<void>;
  /** Reads one message again, as it now stands. For an image whose address has expired. */
  reload(seq: number, options?: Abortable): Promise<void>;
  /** The message with this `seq`, such as one's `replyTo`, if it is here. A deleted one has `deletedAt`. */
  messageAt(seq: number): Message | undefined;
  /** The same, and reads it where it is not here: {@link messageAt} has it from then on. */
  loadMessage(seq: number, options?: Abortable): Promise<Message | undefined>;
  /** Says that everything up to `seq` was seen. Safe to call often: only what is new is sent. */
  markRead(seq: number): void;
  /** How far a message of one's own has come. The client itself says what has reached this device. */
  deliveryOf(message: Message): DeliveryState | undefined;
  /** To be called on every keystroke, with `false` when the composer was emptied. */
  setTyping(typing: boolean): void;
  /**
   * Makes an offer. Repeat it with the same `clientId` after a doubt: it is stored once.
   *
   * @param offer `amount` in the currency's minor unit
   * @throws {HaggleError} `conflict` when the product is sold or reserved, or an offer of the other member waits
   */
  offer(offer: { amount: number; currency: string; clientId?: string }, options?: Abortable): Promise<OfferMessage>;
  /**
   * Answers an offer of the other member, or withdraws one's own.
   *
   * @param amount for a counter
   * @returns the offer as it now stands
   * @throws {HaggleError} `conflict` when it does not wait any more
   */
  answerOffer(messageId: string, answer: OfferAnswer, amount?: number, options?: Abortable): Promise<OfferMessage>;
  /** Changes one's own words, for 15 minutes. */
  edit(messageId: string, text: string, options?: Abortable): Promise<Message>;
  /** Takes one's own message back, for 15 minutes: it keeps its place, and nothing else. */
  delete(messageId: string, options?: Abortable): Promise<Message>;
  /**
   * Reacts to a message of either member, in place of one's reaction before; `null` takes it back.
   *
   * @param emoji a single one, at most 32 bytes of UTF-8
   * @returns the message as it now stands
   * @throws {HaggleError} `conflict` when the message was deleted
   */
  react(messageId: string, emoji: string | null, options?: Abortable): Promise<Message>;
  /** Whether a message can still be edited and deleted. */
  isEditable(message: Message): boolean;
  /** Sends an image: JPEG, PNG or WebP. */
  sendImage(image: ImageFile, options?: ImageOptions): Promise<ImageMessage>;
  /** The server's time in milliseconds since 1970, to count an offer down by. */
  now(): number;
  /** A key for {@link offer} and {@link sendImage}, to be kept for as long as the same thing is tried again. */
  newClientId(): string;
}

/** The messages of a room that are known here, in the order of `seq`, each once. */
export interface Timeline {
  /** `seq` of the oldest known message; 0 while none is known. */
  readonly firstSeq: number;
  /** Everything from `firstSeq` up to here is known. 0 while none is known. */
  readonly lastSeq: number;
  /** Whether the newest page is here. */
  readonly started: boolean;
  /** Whether something later than `lastSeq` is known while what comes before it is not. */
  readonly hasGap: boolean;
  /** Whether there are older messages to ask for. */
  readonly hasOlder: boolean;
  /** Counts what happens here: what a page has is as old as the moment at which it was asked for. */
  readonly moment: number;
  /** The message with this `seq`, if it is known. */
  get(seq: number): Message | undefined;
  /** What to show to a user, oldest first: the other member's messages wait for the ones before them. */
  list(ownUserId?: string): Message[];
}

/**
 * The server's routes for a signed-in user, one method each. A token that is refused is replaced once.
 *
 * Every method fails with a {@link HaggleError}: the server's code, `unreachable`, or `aborted`.
 */
export interface Rest {
  /** The signed-in user. */
  getMe(options?: Abortable): Promise<User>;
  getSettings(options?: Abortable): Promise<Settings>;
  /** Those that are left out stay. */
  setSettings(settings: Partial<Settings>, options?: Abortable): Promise<Settings>;
  /**
   * The buyer's room for a product, made when there was none.
   *
   * @throws {HaggleError} `own_product` for its seller
   */
  openRoom(productId: string, options?: Abortable): Promise<RoomInfo>;
  /** What one has not read, over all rooms. */
  getUnread(options?: Abortable): Promise<UnreadTotal>;
  /** Own rooms, pinned ones first, then latest activity first: those that are not archived, or the archived ones. */
  listRooms(page?: PageOptions & { archived?: boolean }): Promise<Page<InboxItem>>;
  /** A room as it stands in one's own list. */
  getRoom(roomId: string, options?: Abortable): Promise<InboxItem>;
  /** Changes one's own settings of a room. Those that are left out stay. `archived` and `pinned` together are `invalid`. */
  setRoomSettings(roomId: string, settings: Partial<RoomSettings>, options?: Abortable): Promise<RoomSettings>;
  /** A room token, for a server with `--authorize room-token`. With the option `roomTokens` the client fetches its own. */
  issueRoomToken(roomId: string, options?: Abortable): Promise<RoomToken>;
  /** A page of a room's history, oldest first. Without `before` and `after`, two `seq`s, the newest one. */
  listMessages(
    roomId: string,
    page?: { before?: number; after?: number; limit?: number; signal?: AbortSignal },
  ): Promise<{ items: Message[]; hasMore: boolean }>;
  /** Says something. Repeat it with the same `clientId`: it is stored once. */
  sendMessage(roomId: string, message: { text?: string; data?: unknown; replyTo?: number; clientId?: string }, options?: Abortable): Promise<TextMessage>;
  editMessage(roomId: string, messageId: string, text: string, options?: Abortable): Promise<Message>;
  deleteMessage(roomId: string, messageId: string, options?: Abortable): Promise<Message>;
  /** Reacts to a message, in place of one's reaction before. */
  react(roomId: string, messageId: string, emoji: string, options?: Abortable): Promise<Message>;
  takeBackReaction(roomId: string, messageId: string, options?: Abortable): Promise<Message>;
  /** Says how far one has read. It never goes back. */
  markRead(roomId: string, seq: number, options?: Abortable): Promise<{ readSeq: number }>;
  /** Says how far messages have reached this device. It never goes back. */
  markDelivered(roomId: string, seq: number, options?: Abortable): Promise<{ deliveredSeq: number }>;
  /** Makes an offer. Repeat it with the same `clientId`: it is stored once. `amount` is in the currency's minor unit. */
  makeOffer(roomId: string, offer: { amount: number; currency: string; clientId?: string }, options?: Abortable): Promise<OfferMessage>;
  /**
   * Answers an offer, or withdraws one's own. `amount` is for a counter.
   *
   * @throws {HaggleError} `conflict` when it does not wait any more
   */
  answerOffer(roomId: string, messageId: string, answer: { answer: OfferAnswer; amount?: number }, options?: Abortable): Promise<OfferMessage>;
  /** Sends an image: JPEG, PNG or WebP. */
  sendImage(roomId: string, image: ImageFile, options?: ImageOptions): Promise<ImageMessage>;
  /** Own messages that hold all of the words, newest first. A page may be short, even empty, and still have a next one. */
  search(words: string, page?: PageOptions): Promise<Page<Found>>;
  /** Says where one's own product stands. `on_sale` undoes the acceptance of an offer. */
  setProductStatus(productId: string, status: ProductStatus, options?: Abortable): Promise<Product>;
  /** Whom one has blocked. */
  listBlocks(page?: PageOptions): Promise<Page<Block>>;
  /** Closes every conversation with somebody, later ones too. They are not notified. */
  block(userId: string, options?: Abortable): Promise<Block>;
  unblock(userId: string, options?: Abortable): Promise<void>;
  /** Whether the signed-in user has blocked somebody. */
  hasBlocked(userId: string, options?: Abortable): Promise<boolean>;
  /** Reports the other member of a room, or one of their messages. */
  report(report: { roomId: string; messageId?: string; category: ReportCategory; text?: string }, options?: Abortable): Promise<Receipt>;
  /** The currencies of prices, and how many digits the minor unit of each has. */
  listCurrencies(options?: Abortable): Promise<Currency[]>;
  /** Whether pages of an origin, such as `location.origin`, may use this server. A page of any origin may ask. */
  isOriginAllowed(origin: string, options?: Abortable): Promise<boolean>;
  /** What this server offers. A server from before `GET /api/v1/features` offers what all of `haggle.v1` do. */
  getFeatures(options?: Abortable): Promise<Features>;
  /** Sends a request to a route that has no method here. `path` begins after `/api/v1`. */
  send(method: string, path: string, body?: unknown, options?: Abortable): Promise<any>;
}
