/* Uses everything that @haggle/client exports, as a frontend would. It is compiled, not run. */
import {
  HaggleClient,
  HaggleError,
  newClientId,
  plainWire,
  PROTOCOLS,
  socketIoWire,
  VERSION,
  type Abortable,
  type Block,
  type ClientErrorCode,
  type ClientEvents,
  type ClientOptions,
  type ConnectionState,
  type ContactKind,
  type Currency,
  type DeliveryState,
  type Draft,
  type Emitter,
  type Entered,
  type ErrorCode,
  type ErrorNotice,
  type Features,
  type Found,
  type ImageFile,
  type ImageInfo,
  type ImageMessage,
  type ImageOptions,
  type Inbox,
  type InboxItem,
  type Line,
  type LineEvents,
  type Member,
  type Message,
  type NoticeData,
  type OfferAnswer,
  type OfferData,
  type OfferMessage,
  type OfferStatus,
  type OtherMember,
  type OutboxLocks,
  type OutboxStorage,
  type Page,
  type PageOptions,
  type Product,
  type ProductStatus,
  type Reaction,
  type Receipt,
  type ReportCategory,
  type Rest,
  type Room,
  type RoomInfo,
  type RoomToken,
  type ServerClock,
  type ServerErrorCode,
  type ServerEvents,
  type RoomSettings,
  type Settings,
  type UnreadTotal,
  type StandingOffer,
  type Signals,
  type SnippetPart,
  type StaffSender,
  type StoredMessage,
  type SystemMessage,
  type TextMessage,
  type Timeline,
  type User,
  type Wire,
} from "@haggle/client";

declare function io(url: string, options: object): unknown;
declare const AsyncStorage: {
  getItem(key: string, callback?: (error?: Error, result?: string) => void): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
  getAllKeys(): Promise<readonly string[]>;
};

// Making a client.
const storages: OutboxStorage[] = [localStorage, sessionStorage, AsyncStorage];
const locks: OutboxLocks = navigator.locks;
const wires: Wire[] = [plainWire("https://chat.example"), plainWire("https://chat.example", { WebSocket }), socketIoWire("https://chat.example", io)];
const ownWire: Wire = (token: string, { opened, pushed, lost }: LineEvents): Line => {
  opened(PROTOCOLS[0]);
  pushed({ event: token, data: {} });
  return { request: (event, data, answered) => answered({ data: [event, data] }), notify() {}, close: () => lost(1000) };
};
const options: ClientOptions = {
  userId: "mina",
  baseUrl: "https://chat.example",
  fetchToken: ({ signal }) => fetch("/chat-token", { signal }).then((response) => response.text()),
  wire: wires[0] ?? ownWire,
  locks,
  roomTokens: true,
  WebSocket,
  fetch,
  ...(storages[0] && { storage: storages[0] }),
};
const client = new HaggleClient(options);
new HaggleClient({ userId: "mina", baseUrl: "https://chat.example", fetchToken: () => "a token" });
const shown: [string, string, string] = [VERSION, newClientId(), client.userId];

// Its life.
const state: ConnectionState = client.state;
const signals: Emitter<Signals> = client;
const off: () => void = client.on("state", (state: ConnectionState) => console.log(state));
client.on("stopped", (error: HaggleError) => console.error(error.code, error.hint));
client.on("push", ({ event, data }) => console.log(event, data));
client.on("message", (message: Message) => show(message));
client.on("messageUpdated", show);
client.on("presence", ({ roomId, userId, online, lastSeenAt }) => console.log(roomId, userId, online === true, lastSeenAt?.length));
client.on("delivered", ({ roomId, userId, seq }) => console.log(roomId, userId, seq > 0));
client.on("typing", ({ roomId, userId, typing }) => console.log(roomId, userId, typing === true));
client.on("read", ({ roomId, userId, seq }) => console.log(roomId, userId, seq + 1));
client.on("roomUpdated", (item: InboxItem) => console.log(item.other.name, item.unread + 1, item.offer?.amount));
client.on("error", ({ code, event, retryAfterMs = 0 }: ErrorNotice) => console.log(code, event, retryAfterMs + 1));
client.on("draining", ({ reconnectInMs }) => console.log(reconnectInMs + 1));
const names: (keyof ServerEvents)[] = ["message", "error"];
const clock: ServerClock = client.clock;

function show(message: Message): string {
  const stored: StoredMessage = message;
  const warnings: ContactKind[] = stored.warnings ?? [];
  switch (message.kind) {
    case "offer": {
      const offer: OfferMessage = message;
      const data: OfferData | undefined = offer.data;
      const status: OfferStatus = data?.status ?? "expired";
      return `${status} ${(data?.amount ?? 0) / 100} until ${data && Date.parse(data.expiresAt) - clock.now()}`;
    }
    case "image": {
      const image: ImageMessage = message;
      const info: ImageInfo | undefined = image.data;
      return `${info?.url} ${info?.thumbnailUrl} ${(info?.width ?? 0) * (info?.height ?? 0)} ${(info?.bytes ?? 0) + 1} ${info?.contentType}`;
    }
    case "system": {
      const system: SystemMessage = message;
      const notice = system.data as NoticeData | undefined;
      return notice ? `${notice.code} ${notice.params["status"]}` : (system.text ?? "");
    }
    case "text": {
      const text: TextMessage = message;
      return `${text.text} ${JSON.stringify(text.data)} ${warnings}`;
    }
  }
}

async function live({ signal }: Abortable): Promise<void> {
  client.connect();
  await client.whenOpen({ signal });
  const why: HaggleError | undefined = client.error;
  const version: string | undefined = client.protocol;
  client.reconnectNow();
  client.wake();

  const inbox: Inbox = client.inbox;
  inbox.on("change", () => console.log(inbox.items.map(({ id }) => id), inbox.unread + 1, inbox.loaded && inbox.hasMore));
  const own: RoomSettings = await inbox.set("r", { pinned: true }, { signal });
  await inbox.loadArchived({ signal });
  console.log(own.muted, inbox.archived.length, inbox.hasMoreArchived, inbox.unreadTotal.rooms + 1, (await inbox.read("r")).settings?.archived);
  const item: InboxItem | undefined = inbox.get("r");
  await inbox.load({ signal });
  await inbox.loadMore({ signal });

  const room: Room = client.room("r");
  room.on("change", () => console.log(room.messages.map(show), room.drafts));
  room.on("received", (messages: Message[]) => console.log(messages.length));
  room.enter();
  await room.whenEntered({ signal });
  const info: RoomInfo | undefined = room.info;
  const about: string | undefined = info?.kind === "support" ? undefined : info?.product?.title;
  const other: Member | undefined = room.other;
  const members: Member[] = room.members;
  const states: (DeliveryState | undefined)[] = [...room.messages.map((message) => room.deliveryOf(message)), item && inbox.deliveryOf(item)];
  const listed: OtherMember | undefined = item?.other;
  const seen: string | undefined = other?.lastSeenAt ?? listed?.lastSeenAt;
  const drafts: readonly Draft[] = room.drafts;
  const timeline: Timeline = room.timeline;
  const facts: boolean[] = [room.entered, room.closed, room.otherIsTyping, room.loadingOlder, timeline.started, timeline.hasGap, timeline.hasOlder];
  const seqs: number[] = [room.readSeqAtEntry, timeline.firstSeq, timeline.lastSeq, timeline.list(room.ownUserId).length, room.now()];
  const standing: StandingOffer | undefined = room.standingOffer;
  const failure: HaggleError | undefined = room.error;
  const clientId: string = room.send("Hello");
  room.send({ text: "Hello", data: { place: [37.5, 127] } });
  room.retry(clientId);
  room.discard(clientId);
  await room.loadOlder({ signal });
  await room.reload(3, { signal });
  room.markRead(3);
  room.setTyping(true);
  const offer: OfferMessage = await room.offer({ amount: 12900, currency: "USD", clientId: room.newClientId() }, { signal });
  const answer: OfferAnswer = "counter";
  await room.answerOffer(offer.id, answer, 11900, { signal });
  const edited: Message = await room.edit("m", "Hello again", { signal });
  if (room.isEditable(edited)) await room.delete(edited.id, { signal });
  room.send({ text: "Yes", replyTo: edited.seq });
  const original: Message | undefined = room.messageAt(1) ?? (await room.loadMessage(1, { signal }));
  const reactions: Reaction[] | undefined = (await room.react(original?.id ?? "m", "👍", { signal })).reactions;
  if (reactions?.some(({ userId }) => userId === room.ownUserId)) await room.react("m", null);
  const support: StaffSender | undefined = original?.sender;
  console.log(support?.name, support?.role === "staff");
  const file: ImageFile = { uri: "file:///bike.jpg", name: "bike.jpg", type: "image/jpeg" };
  const imageOptions: ImageOptions = { clientId: newClientId(), text: "Like new", onProgress: (share) => console.log(share * 100), signal };
  const image: ImageMessage = await room.sendImage(file, imageOptions);
  await room.sendImage(new Blob([]));
  room.leave();

  const entered: Entered = await client.request("enterRoom", { roomId: "r", after: 3, token: "t" }, { signal });
  await client.request("leaveRoom", {});
  await client.request("message", { text: "Hello", clientId });
  await client.request("editMessage", { messageId: "m", text: "Hello" });
  await client.request("deleteMessage", { messageId: "m" });
  await client.request("offer", { amount: 1, currency: "USD" });
  await client.request("answerOffer", { messageId: "m", answer: "accept" });
  await client.request("typing", { typing: true });
  const { readSeq }: ClientEvents["read"]["reply"] = await client.request("read", { seq: 3 });
  const { expiresAt } = await client.request("authenticate", { token: "t" });
  const { pingTimeoutMs } = await client.request("heartbeat", {});
  console.log(why, version, item, info, standing, other, members, drafts, facts, seqs, failure, image, entered.hasMore, readSeq + 1, expiresAt, pingTimeoutMs + 1);
  client.close();
  client.close({ forget: true });
}

async function requests({ signal }: Abortable): Promise<void> {
  const rest: Rest = client.rest;
  const me: User = await rest.getMe({ signal });
  const settings: Settings = await rest.setSettings({ typing: false }, { signal });
  const same: Settings = await rest.getSettings();
  const room: RoomInfo = await rest.openRoom("bike", { signal });
  const page: PageOptions = { limit: 10, cursor: "c", signal };
  const rooms: Page<InboxItem> = await rest.listRooms({ ...page, archived: true });
  const unread: UnreadTotal = await rest.getUnread({ signal });
  const own: RoomSettings = await rest.setRoomSettings("r", { archived: true }, { signal });
  const item: InboxItem = await rest.getRoom(room.id);
  const token: RoomToken = await rest.issueRoomToken(room.id);
  const { items, hasMore } = await rest.listMessages(room.id, { before: 9, after: 3, limit: 5, signal });
  const said: TextMessage = await rest.sendMessage(room.id, { text: "Hello", data: [1], clientId: newClientId() });
  const messages: Message[] = [await rest.editMessage(room.id, said.id, "Hi"), await rest.deleteMessage(room.id, said.id), ...items];
  const { readSeq } = await rest.markRead(room.id, said.seq);
  const offer: OfferMessage = await rest.makeOffer(room.id, { amount: 1, currency: "USD" });
  await rest.answerOffer(room.id, offer.id, { answer: "counter", amount: 2 });
  const image: ImageMessage = await rest.sendImage(room.id, new Blob([]));
  const found: Page<Found> = await rest.search("bike", { signal });
  const parts: SnippetPart[] = found.items.flatMap(({ snippet }) => snippet);
  const status: ProductStatus = "sold";
  const product: Product = await rest.setProductStatus("bike", status);
  const blocks: Page<Block> = await rest.listBlocks();
  const block: Block = await rest.block("sam");
  const blocked: boolean = await rest.hasBlocked("sam");
  await rest.unblock("sam");
  const category: ReportCategory = "scam";
  const receipt: Receipt = await rest.report({ roomId: room.id, category, text: "…" });
  const currencies: Currency[] = await rest.listCurrencies();
  const allowed: boolean = await rest.isOriginAllowed(location.origin);
  const features: Features = await rest.getFeatures();
  console.log(me, settings, same, rooms, unread, own, item, token, hasMore, messages, readSeq, image, parts, product, blocks, block, blocked, receipt, currencies, allowed, features);
}

function explain(error: unknown): string {
  if (!(error instanceof HaggleError)) throw error;
  const code: ErrorCode = error.code;
  const known: (ServerErrorCode | ClientErrorCode)[] = ["rate_limited", "timeout"];
  if (code === "rate_limited") return `again in ${(error.retryAfterMs ?? 0) + 1} ms`;
  if (error.isTransient) return `${error.status ?? 0} ${error.requestId} ${error.cause}`;
  return `${known}: ${error.message}. ${error.hint}`;
}

live({}).then(() => requests({}), explain);
export { names, off, shown, signals, state };
