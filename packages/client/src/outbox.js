// @ts-check
import { backoffMs } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { HaggleError, isTransient } from "./error.js";
import { OutboxStore } from "./outbox_store.js";

/** @import { Connection } from "./connection.js" */
/** @import { RoomTokens } from "./room_tokens.js" */
/** @import { Draft, Message, OutboxLocks, OutboxStorage } from "../types/types.d.ts" */

/** A busy server is asked this often before the message shows as failed. Lost connections don't count. */
const ATTEMPTS_MAX = 4;

/**
 * Messages that the server has not acknowledged yet.
 *
 * Each has a `clientId`, the idempotency key: sent again after a lost connection, it is stored once, whether or not the
 * first attempt arrived. In one room they leave one at a time, so that they are stored in the order they were typed.
 *
 * Emits `change` with the room id, and `acknowledged` with the stored {@link Message}.
 *
 * @extends {Emitter<{change: string, acknowledged: Message}>}
 */
export class Outbox extends Emitter {
  /** @type {Set<string>} rooms with a message on its way */ #sending = new Set();
  #connection;
  #roomTokens;
  #store;

  /**
   * @param {Connection} connection
   * @param {RoomTokens} roomTokens
   * @param {string} name the same in all tabs of a user
   * @param {{storage?: OutboxStorage, locks?: OutboxLocks}} options with a `storage`, what is unacknowledged outlives a
   *   reload of the page, and tabs share it
   */
  constructor(connection, roomTokens, name, options) {
    super();
    this.#connection = connection;
    this.#roomTokens = roomTokens;
    this.#store = new OutboxStore(
      name,
      (roomId) => {
        this.emit("change", roomId);
        void this.#flush(roomId);
      },
      options,
    );
  }

  open() {
    this.#store.open();
  }

  close() {
    this.#store.close();
  }

  /**
   * @param {string} roomId
   * @returns {readonly Draft[]} in the order they were written
   */
  list(roomId) {
    return this.#store.list().filter((draft) => draft.roomId === roomId);
  }

  /**
   * @param {string} roomId
   * @param {{text?: string, data?: unknown, replyTo?: number}} content
   * @returns {string} its `clientId`
   * @throws {TypeError} when `data` can't be written as JSON
   */
  add(roomId, { text, data, replyTo }) {
    const clientId = newClientId();
    // As it is now, whatever its owner does with it later.
    const kept = data === undefined ? undefined : JSON.parse(JSON.stringify(data));
    this.#put({ clientId, roomId, text, data: kept, replyTo, createdAt: new Date().toISOString(), order: this.#store.nextOrder(), state: "sending" });
    void this.#flush(roomId);
    return clientId;
  }

  /**
   * Sends a failed message again.
   * @param {string} clientId
   */
  retry(clientId) {
    const draft = this.#store.get(clientId);
    if (!draft) return;
    this.#put({ ...draft, state: "sending", errorCode: undefined, errorMessage: undefined, errorUntil: undefined });
    void this.#flush(draft.roomId);
  }

  /**
   * Gives a message up.
   * @param {string} clientId
   */
  discard(clientId) {
    const draft = this.#store.get(clientId);
    if (!draft) return;
    this.#store.remove(clientId);
    this.emit("change", draft.roomId);
  }

  /** Gives everything up, and leaves nothing in the storage. */
  clear() {
    this.#store.whenLoaded(() => {
      for (const { clientId } of this.#store.list()) this.discard(clientId);
    });
  }

  /** Sends whatever waits. To be called after each reconnection. */
  flushAll() {
    for (const roomId of new Set(this.#store.list().map(({ roomId }) => roomId))) void this.#flush(roomId);
  }

  /**
   * A stored message was seen: if it is one of these, it needs no second attempt.
   * @param {Message} message
   */
  settle({ clientId }) {
    if (clientId) this.discard(clientId);
  }

  /** @param {string} roomId */
  #next(roomId) {
    return this.#connection.state === "open" ? this.list(roomId).find(({ state }) => state === "sending") : undefined;
  }

  /** @param {string} roomId */
  async #flush(roomId) {
    if (this.#sending.has(roomId) || !this.#next(roomId)) return;
    this.#sending.add(roomId);
    try {
      await this.#store.alone(roomId, async () => {
        let draft;
        while ((draft = this.#next(roomId))) if (!(await this.#send(draft))) return;
      });
    } finally {
      this.#sending.delete(roomId);
    }
    // Between the answer and this line the connection may have come back, whose flush found the room still busy.
    void this.#flush(roomId);
  }

  /**
   * @param {Draft} draft
   * @returns {Promise<boolean>} whether to go on with the next one; `false` when the connection is lost
   */
  async #send({ roomId, clientId, text, data, replyTo }) {
    for (let attempt = 0; ; attempt++) {
      try {
        const message = await this.#roomTokens.use(roomId, (token) =>
          this.#connection.request("message", { roomId, text, data, replyTo, clientId, token }),
        );
        this.discard(clientId);
        this.emit("acknowledged", message);
        return true;
      } catch (error) {
        const { code, message, retryAfterMs, until, params } = error instanceof HaggleError ? error : new HaggleError("internal", String(error));
        if (code === "disconnected" || code === "timeout") return this.#connection.state === "open";
        if (isTransient(error) && attempt + 1 < ATTEMPTS_MAX) {
          await new Promise((resolve) => setTimeout(resolve, (retryAfterMs ?? 0) + backoffMs(attempt)));
          continue;
        }
        const draft = this.#store.get(clientId);
        if (draft) this.#put({ ...draft, state: "failed", errorCode: code, errorMessage: message, errorUntil: until, errorReason: params?.reason });
        return true;
      }
    }
  }

  /** @param {Draft} draft */
  #put(draft) {
    this.#store.put(draft);
    this.emit("change", draft.roomId);
  }
}

/** A key for what is sent, to be kept for as long as the same thing is tried again. It need not be unguessable. */
export function newClientId() {
  // `crypto` is missing in React Native and in Node.js 18, its `randomUUID` on plain http.
  if (typeof globalThis.crypto?.randomUUID === "function") return crypto.randomUUID();
  const bytes = globalThis.crypto?.getRandomValues(new Uint8Array(16)) ?? Array.from({ length: 16 }, () => Math.random() * 256);
  return Array.from(bytes, (byte) => Math.floor(byte).toString(16).padStart(2, "0")).join("");
}
