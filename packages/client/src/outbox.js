// @ts-check
import { backoffMs } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { HaggleError, isTransient } from "./error.js";

/** @typedef {import("./types.js").Draft} Draft */
/** @typedef {import("./types.js").Message} Message */

/** A busy server is asked this often before the message shows as failed. Lost connections don't count. */
const ATTEMPTS_MAX = 4;

/**
 * Messages that the server has not acknowledged yet.
 *
 * Each has a `clientId`, the idempotency key: sent again after a lost connection, it is stored once, whether or not the
 * first attempt arrived. In one room they leave one at a time, so that they are stored in the order they were typed.
 *
 * Emits `change` with the room id, and `acknowledged` with the stored {@link Message}.
 */
export class Outbox extends Emitter {
  /** @type {Map<string, Draft[]>} */ #drafts = new Map();
  /** @type {Set<string>} rooms with a message on its way */ #sending = new Set();
  #connection;
  #storage;
  #storageKey;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {{storage?: Pick<Storage, "getItem" | "setItem">, storageKey: string}} options with a `storage`, what is
   *   unacknowledged outlives a reload of the page
   */
  constructor(connection, { storage, storageKey }) {
    super();
    this.#connection = connection;
    this.#storage = storage;
    this.#storageKey = storageKey;
    for (const draft of readDrafts(storage, storageKey)) this.#of(draft.roomId).push(draft);
  }

  /**
   * @param {string} roomId
   * @returns {readonly Draft[]} in the order they were written
   */
  list(roomId) {
    return this.#drafts.get(roomId) ?? [];
  }

  /**
   * @param {string} roomId
   * @param {string} text
   */
  add(roomId, text) {
    const clientId = newClientId();
    this.#of(roomId).push({ clientId, roomId, text, createdAt: new Date().toISOString(), state: "sending" });
    this.#changed(roomId);
    void this.#flush(roomId);
  }

  /**
   * Sends a failed message again.
   * @param {string} roomId
   * @param {string} clientId
   */
  retry(roomId, clientId) {
    this.#update(roomId, clientId, { state: "sending", errorCode: undefined, errorMessage: undefined, errorUntil: undefined });
    void this.#flush(roomId);
  }

  /**
   * Gives a failed message up.
   * @param {string} roomId
   * @param {string} clientId
   */
  discard(roomId, clientId) {
    this.#remove(roomId, clientId);
  }

  /** Sends whatever waits. To be called after each reconnection. */
  flushAll() {
    for (const roomId of this.#drafts.keys()) void this.#flush(roomId);
  }

  /**
   * A stored message was seen: if it is one of these, it needs no second attempt.
   * @param {Message} message
   */
  settle(message) {
    if (message.clientId && this.#find(message.roomId, message.clientId)) this.#remove(message.roomId, message.clientId);
  }

  /** @param {string} roomId */
  async #flush(roomId) {
    if (this.#sending.has(roomId)) return;
    this.#sending.add(roomId);
    try {
      let draft;
      while (this.#connection.state === "open" && (draft = this.list(roomId).find(({ state }) => state === "sending"))) {
        if (!(await this.#send(draft))) return;
      }
    } finally {
      this.#sending.delete(roomId);
    }
    // Between the answer and this line the connection may have come back, whose flush found the room still busy.
    if (this.#connection.state === "open" && this.list(roomId).some(({ state }) => state === "sending")) {
      void this.#flush(roomId);
    }
  }

  /**
   * @param {Draft} draft
   * @returns {Promise<boolean>} whether to go on with the next one; `false` when the connection is lost
   */
  async #send({ roomId, clientId, text }) {
    for (let attempt = 0; ; attempt++) {
      try {
        const message = await this.#connection.request("message", { roomId, text, clientId });
        this.#remove(roomId, clientId);
        this.emit("acknowledged", message);
        return true;
      } catch (error) {
        const { code, message, retryAfterMs, until } = error instanceof HaggleError ? error : new HaggleError("internal", String(error));
        if (code === "disconnected" || code === "timeout") return this.#connection.state === "open";
        if (isTransient(error) && attempt + 1 < ATTEMPTS_MAX) {
          await new Promise((resolve) => setTimeout(resolve, (retryAfterMs ?? 0) + backoffMs(attempt)));
          continue;
        }
        this.#update(roomId, clientId, { state: "failed", errorCode: code, errorMessage: message, errorUntil: until });
        return true;
      }
    }
  }

  /** @param {string} roomId */
  #of(roomId) {
    let drafts = this.#drafts.get(roomId);
    if (!drafts) this.#drafts.set(roomId, (drafts = []));
    return drafts;
  }

  /**
   * @param {string} roomId
   * @param {string} clientId
   */
  #find(roomId, clientId) {
    return this.list(roomId).find((draft) => draft.clientId === clientId);
  }

  /**
   * @param {string} roomId
   * @param {string} clientId
   * @param {Partial<Draft>} fields
   */
  #update(roomId, clientId, fields) {
    const draft = this.#find(roomId, clientId);
    if (!draft) return;
    Object.assign(draft, fields);
    this.#changed(roomId);
  }

  /**
   * @param {string} roomId
   * @param {string} clientId
   */
  #remove(roomId, clientId) {
    this.#drafts.set(
      roomId,
      this.list(roomId).filter((draft) => draft.clientId !== clientId),
    );
    this.#changed(roomId);
  }

  /** @param {string} roomId */
  #changed(roomId) {
    try {
      this.#storage?.setItem(this.#storageKey, JSON.stringify([...this.#drafts.values()].flat()));
    } catch {
      // A full or forbidden storage costs the survival of a reload, not the message.
    }
    this.emit("change", roomId);
  }
}

/** `crypto.randomUUID` exists only on https and localhost; a demo shown over plain http in a local network has neither. */
export function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return crypto.randomUUID?.() ?? Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Pick<Storage, "getItem"> | undefined} storage
 * @param {string} key
 * @returns {Draft[]}
 */
function readDrafts(storage, key) {
  try {
    return JSON.parse(storage?.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}
