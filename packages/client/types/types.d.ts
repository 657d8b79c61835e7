/**
 * What travels, as the server's OpenAPI document and docs/protocol.md name it, and what this client adds.
 *
 * Times are RFC 3339 in UTC with milliseconds. A field that has nothing to say is absent, never `null`.
 */

import type { Wire } from "./wire.d.ts";

export type { Line, LineEvents, Wire } from "./wire.d.ts";

export type ProductStatus = "on_sale" | "reserved" | "sold";
export type OfferStatus = "pending" | "accepted" | "declined" | "withdrawn" | "countered" | "expired" | "superseded";
export type OfferAnswer = "accept" | "decline" | "withdraw" | "counter";
export type ReportCategory = "spam" | "scam" | "harassment" | "prohibited_item" | "other";
/** A way to reach somebody outside the conversation. */
export type ContactKind = "phone" | "email" | "bank_account" | "messenger";

export interface User {
  /** The marketplace's own user id. */
  id: string;
  name: string;
  /** Present where the name is the server's own, such as `deleted_user` and `support`: put it into words in the user's language. */
  nameCode?: string;
  avatarUrl?: string;
}

export interface Product {
  id: string;
  sellerId: string;
  title: string;
  /** A whole number in the currency's minor unit: 12900 USD is $129.00, 980000 KRW is ₩980,000. */
  price?: number;
  /** ISO 4217; its digits are in {@link Currency}. */
  currency?: string;
  imageUrl?: string;
  status: ProductStatus;
  /** The marketplace has taken it down: its rooms stay, and there are no new ones. */
  unlisted?: boolean;
}

export interface RoomInfo {
  /** It can't be guessed, and does not open the room. */
  id: string;
  /** `support` for a conversation with the marketplace's staff; absent for one about a product. */
  kind?: "support";
  /** What it is about. Absent from a support room, and from no other. */
  product?: Product;
  /** The one who asks; of a support room the one member. */
  buyer: User;
  /** The one who sells; of a support room the marketplace itself: `system`, with the `nameCode` `support`. */
  seller: User;
  createdAt: string;
}

/** Somebody of the marketplace's staff who has said something in a room that they have joined. */
export interface StaffSender extends User {
  role: "staff";
}

/** What all kinds of messages have. */
export interface StoredMessage {
  id: string;
  roomId: string;
  /** Counts 1, 2, 3 … in its room, without a hole. */
  seq: number;
  /** `system` for the marketplace. */
  senderId: string;
  /** Who they are, where they are none of the room's two members. */
  sender?: StaffSender;
  /** The sender's idempotency key. */
  clientId?: string;
  /** Absent once deleted. */
  text?: string;
  sentAt: string;
  editedAt?: string;
  /** When its sender took it back: it keeps its `seq`, and has neither `text` nor `data`. */
  deletedAt?: string;
  /** Present where not the sender took it back, but the marketplace. */
  removedBy?: "marketplace";
  /** Ways to reach somebody outside that its words hold: show both members a notice of the risk. */
  warnings?: ContactKind[];
  /** The `seq` of the earlier message of its room that it replies to: {@link Room.messageAt}. */
  replyTo?: number;
  /** What the members have reacted with, at most one of each. Absent where nobody has. */
  reactions?: Reaction[];
}

/** What a member has reacted to a message with. */
export interface Reaction {
  userId: string;
  /** A single emoji. */
  emoji: string;
}

export interface TextMessage extends StoredMessage {
  kind: "text";
  /** Whatever JSON its sender sent along. */
  data?: unknown;
}

export interface OfferMessage extends StoredMessage {
  kind: "offer";
  data?: OfferData;
}

export interface ImageMessage extends StoredMessage {
  kind: "image";
  data?: ImageInfo;
}

export interface SystemMessage extends StoredMessage {
  kind: "system";
  /** Those of haggle itself have a {@link NoticeData}. */
  data?: unknown;
}

/** Show a kind that you do not know as `text`: newer servers may have more. */
export type Message = TextMessage | OfferMessage | ImageMessage | SystemMessage;

export interface OfferData {
  /** In the currency's minor unit. */
  amount: number;
  currency: string;
  status: OfferStatus;
  /** When a pending offer expires. Count down by `client.clock`, not by the device's. */
  expiresAt: string;
  /** When it was answered. */
  statusAt?: string;
}

/** The offer that stands in a room: it waits for its answer, or was accepted. A room has at most one. */
export interface StandingOffer {
  /** The message that made it. */
  messageId: string;
  /** The member who made it. */
  senderId: string;
  /** In the currency's minor unit. */
  amount: number;
  currency: string;
  status: "pending" | "accepted";
  /** When a pending offer expires. Count down by `client.clock`, not by the device's. */
  expiresAt: string;
}

export interface ImageInfo {
  /** Absolute, and good for a day without a token; `room.reload(seq)` brings a fresh one. */
  url: string;
  thumbnailUrl: string;
  width: number;
  height: number;
  bytes: number;
  contentType: string;
}

/** What haggle itself says, to be put into words in the user's language. The message's `text` has it in English. */
export interface NoticeData {
  /** Such as `product_status` and `support_joined`. */
  code: string;
  /** Such as `{status: "sold"}`. */
  params: Record<string, unknown>;
  /** The member whom it is about; it is not unread for them. */
  about?: string;
}

/** What is shared with the other member. Each switch counts for both directions. */
export interface Settings {
  readReceipts: boolean;
  typing: boolean;
  presence: boolean;
  /** How far messages have reached the user's devices. From servers with `receipts` among their features. */
  deliveryReceipts: boolean;
  /** When the user was last active. From the same servers. */
  lastSeen: boolean;
}

/** What one's own list does with a room. The other member never learns of it. */
export interface RoomSettings {
  /** In the archive, until the next message of the other side. An archived room is not pinned. */
  archived: boolean;
  /** Notifies of nothing, and counts in no total. */
  muted: boolean;
  /** Before the other rooms. A pinned room is not archived. */
  pinned: boolean;
  /** Marked as unread, until it is read again. */
  unread: boolean;
}

/** What one has not read, without archived and muted rooms. */
export interface UnreadTotal {
  /** With unread messages, or marked as unread. */
  rooms: number;
  messages: number;
}

/** A message that was searched for. */
export interface Found {
  message: Message;
  room: RoomInfo;
  /** A piece of its text, without markup. */
  snippet: SnippetPart[];
}

export interface SnippetPart {
  text: string;
  /** Whether it is what was searched for. */
  hit: boolean;
}

/** Somebody whom one has blocked. */
export interface Block {
  user: User;
  createdAt: string;
}

/** That a report was taken. */
export interface Receipt {
  id: string;
  createdAt: string;
}

export interface RoomToken {
  token: string;
  /** Five minutes from its issue. */
  expiresAt: string;
}

export interface Currency {
  /** ISO 4217. */
  code: string;
  /** Digits of its minor unit: `n` in the minor unit is `n / 10 ** exponent`. `Intl` has others for a dozen currencies. */
  exponent: number;
}

/** The other member of a room in one's own list. What the two don't share is 0 or absent, as on servers without `receipts` among their features. */
export interface OtherMember extends User {
  readSeq?: number;
  /** How far messages have reached a device of theirs, never below `readSeq`. */
  deliveredSeq?: number;
  /** When they were last active, to the minute; of a {@link Member} only while they are offline. */
  lastSeenAt?: string;
}

export interface Member extends OtherMember {
  online: boolean;
  readSeq: number;
}

/** How far a message of one's own has come: stored, on a device of the other member, or read. */
export type DeliveryState = "sent" | "delivered" | "read";

/** The answer to `enterRoom`. */
export interface Entered {
  room: RoomInfo;
  members: Member[];
  lastSeq: number;
  /** The signed-in user's own. */
  readSeq: number;
  offer?: StandingOffer;
  /** Oldest first. */
  messages: Message[];
  /** Nobody can say anything here: one of the two has blocked the other, or the other was deleted. */
  closed: boolean;
  /** The marketplace has frozen the conversation: nobody can say anything until it is unfrozen. */
  frozen?: boolean;
  /** Who of the marketplace's staff has joined the room. Absent where nobody has. */
  staff?: User[];
  /** There is more on the far side: newer ones when asked with `after`, older ones when not. */
  hasMore: boolean;
  serverTime: string;
}

/** A room in one's own list of conversations. */
export interface InboxItem extends RoomInfo {
  /** The member who is not the signed-in user. */
  other: OtherMember;
  lastMessage?: Message;
  offer?: StandingOffer;
  lastSeq: number;
  readSeq: number;
  /** How far messages have reached a device of one's own. */
  deliveredSeq: number;
  unread: number;
  closed: boolean;
  /** The marketplace has frozen the conversation. */
  frozen?: boolean;
  /** Who of the marketplace's staff has joined the room. Absent where nobody has. */
  staff?: User[];
  /** One's own settings of the room, from servers with `room-settings` among their features. */
  settings: RoomSettings;
}

/** An event failed that asked for no answer, or the connection is about to end. */
export interface ErrorNotice {
  code: ErrorCode;
  message: string;
  event?: string;
  retryAfterMs?: number;
  /** For `refused`: the marketplace's reason. */
  params?: { reason?: string };
  /** For `muted`: when that ends; absent where it has no end. */
  until?: string;
}

export interface Page<Item> {
  items: Item[];
  /** Pass it as `cursor` for the next page; absent on the last one. */
  nextCursor?: string;
}

/** The server's codes, the same on every wire and over REST. */
export type ServerErrorCode =
  | "unauthenticated"
  | "token_expired"
  | "forbidden"
  | "not_found"
  | "not_in_room"
  | "own_product"
  | "conflict"
  | "invalid"
  | "too_large"
  | "rate_limited"
  | "blocked"
  | "muted"
  | "banned"
  | "frozen"
  | "refused"
  | "held"
  | "cursor_expired"
  | "unavailable"
  | "internal";

/**
 * This client's own codes.
 *
 * - `disconnected`, `timeout`: no answer came; it may have been stored, so repeat it with the same `clientId`
 * - `unreachable`: no HTTP answer
 * - `aborted`: by your own `AbortSignal`
 * - `origin_refused`: the server takes no connection from pages of this origin
 * - `no_websocket`: the runtime has none, and none was given
 * - `unsupported_protocol`: the server speaks no version of the protocol that this client knows
 */
export type ClientErrorCode = "disconnected" | "timeout" | "unreachable" | "aborted" | "origin_refused" | "no_websocket" | "unsupported_protocol";

/** Newer servers may have codes that this list lacks. */
export type ErrorCode = ServerErrorCode | ClientErrorCode | (string & {});

/** What a client may send, and what it gets back. Without a `roomId` it is about the room that was entered last. */
export interface ClientEvents {
  enterRoom: { data: string | { roomId: string; after?: number; token?: string }; reply: Entered };
  leaveRoom: { data: string | { roomId?: string }; reply: {} };
  message: {
    data: string | { roomId?: string; text?: string; data?: unknown; replyTo?: number; clientId?: string; kind?: "text"; token?: string };
    reply: TextMessage;
  };
  editMessage: { data: { messageId: string; text: string }; reply: Message };
  deleteMessage: { data: { messageId: string }; reply: Message };
  /** `null` takes the reaction back. */
  react: { data: { roomId?: string; messageId: string; emoji: string | null }; reply: Message };
  offer: { data: { roomId?: string; amount: number; currency: string; clientId?: string }; reply: OfferMessage };
  answerOffer: { data: { roomId?: string; messageId: string; answer: OfferAnswer; amount?: number }; reply: OfferMessage };
  typing: { data: { roomId?: string; typing: boolean }; reply: {} };
  read: { data: { roomId?: string; seq: number }; reply: { readSeq: number } };
  delivered: { data: { roomId?: string; seq: number }; reply: { deliveredSeq: number } };
  authenticate: { data: { token: string }; reply: { expiresAt: string; serverTime: string } };
  heartbeat: { data: {}; reply: { serverTime: string; pingIntervalMs: number; pingTimeoutMs: number } };
}

/** What the server sends unasked. */
export interface ServerEvents {
  /** Of a room that was entered; the sender's own, too. */
  message: Message;
  /** An edit, a deletion, a reaction, an offer that moved. */
  messageUpdated: Message;
  /** `lastSeenAt` of somebody who went, where the two share it. */
  presence: { roomId: string; userId: string; online: boolean; lastSeenAt?: string };
  typing: { roomId: string; userId: string; typing: boolean };
  read: { roomId: string; userId: string; seq: number };
  delivered: { roomId: string; userId: string; seq: number };
  /** Of all one's rooms, entered or not. */
  roomUpdated: InboxItem & { roomId: string; unreadTotal?: UnreadTotal };
  error: ErrorNotice;
  /** The server restarts. The client comes back by itself. */
  draining: { reconnectInMs: number };
}

/** A message that the server has not acknowledged yet. */
export interface Draft {
  clientId: string;
  roomId: string;
  text?: string;
  data?: unknown;
  /** The `seq` of the message that it replies to. */
  replyTo?: number;
  /** By the device's clock. */
  createdAt: string;
  /** Smaller ones were written earlier. */
  order: number;
  state: "sending" | "failed";
  /** Why it failed. */
  errorCode?: ErrorCode;
  errorMessage?: string;
  /** Of `muted`: when that ends. */
  errorUntil?: string;
  /** For `refused`: the marketplace's reason, in its own words. */
  errorReason?: string;
}

/** `waiting`: lost, and coming back by itself. `closed`: ended for good, see `client.error`. */
export type ConnectionState = "idle" | "connecting" | "open" | "waiting" | "closed";

/** What a server offers. */
export interface Features {
  /** Versions of the protocol, such as `haggle.v1`. */
  protocols: string[];
  /** Such as `images`, `search`, `offers`. */
  features: string[];
  /** Paths of the wires on the server. */
  wires?: { websocket: string; socketIo: string };
  /** Present on `haggle demo`, where anyone signs in as anyone. */
  demo?: boolean;
  /** Where the marketplace signs its staff in for `/staff`. */
  staffSignInUrl?: string;
  /** Whether a room is entered with a room token: then construct the client with `roomTokens: true`. */
  roomTokenRequired?: boolean;
  /** With which a page subscribes to Web Push (`@haggle/client/push`); absent where browsers are not notified. */
  applicationServerKey?: string;
  /** Path of the list of currencies. */
  currencies?: string;
  /** Which images may be sent. */
  images?: { types: string[]; bytesMax: number; sideMax: number; pixelsMax: number };
  limits?: { messageBytesMax: number; clientIdCharsMax: number; queryCharsMax: number; editWindowMs: number; offerLifetimeMs: number };
}

/** Every method that waits takes one, and fails with `aborted` once it is aborted. */
export interface Abortable {
  signal?: AbortSignal;
}

export interface PageOptions extends Abortable {
  limit?: number;
  /** The `nextCursor` of the page before. */
  cursor?: string;
}

/** The second form is what React Native puts into a `FormData`. */
export type ImageFile = Blob | { uri: string; name: string; type: string };

export interface ImageOptions extends Abortable {
  /** Keep it for as long as the same image is tried again: it is stored once. */
  clientId?: string;
  text?: string;
  /** The `seq` of an earlier message of the room. */
  replyTo?: number;
  /** From 0 to 1, where the runtime has `XMLHttpRequest`. */
  onProgress?: (share: number) => void;
}

/** Where unacknowledged messages outlive a reload: `localStorage`, React Native's `AsyncStorage`, or your own. */
export interface OutboxStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
  /** With {@link key}, as Web Storage lists its keys. */
  readonly length?: number;
  key?(index: number): string | null;
  /** As `AsyncStorage` lists its keys. */
  getAllKeys?(): readonly string[] | Promise<readonly string[]>;
}

/** The part of `navigator.locks` that is used. */
export interface OutboxLocks {
  request(name: string, options: { signal: AbortSignal }, work: () => Promise<void>): Promise<unknown>;
}

export interface ClientOptions {
  /** The `sub` of the tokens. */
  userId: string;
  /** The server's address, such as `https://chat.example.com`. */
  baseUrl: string;
  /**
   * Asks the marketplace's backend for a JWT of that user. Called again before each expiry, never twice at the same time.
   * A `HaggleError` with a `status` from 400 to 499 ends the connection; any other error is tried again.
   */
  fetchToken(options: { signal: AbortSignal }): string | Promise<string>;
  /** Keeps unacknowledged messages over a reload: `localStorage`, which all tabs of a browser share. */
  storage?: OutboxStorage;
  /** `navigator.locks` unless given. */
  locks?: OutboxLocks;
  /** How events travel: `plainWire` unless given. */
  wire?: Wire;
  /** Whether the server runs with `--authorize room-token`: the client then fetches a token for each room and renews it. */
  roomTokens?: boolean;
  /** A class like the browser's, for a runtime without one, such as Node.js before version 22: that of the package `ws`. */
  WebSocket?: unknown;
  /** Instead of the runtime's own. */
  fetch?: typeof fetch;
}
