// @ts-check
import { HaggleError } from "./error.js";

/** @import { ServerClock } from "./clock.js" */
/** @import { RoomToken } from "../types/types.d.ts" */

/** A room token is replaced this long before it expires. */
const RENEW_BEFORE_MS = 60_000;

/** Room tokens, for a server that asks for them (`--authorize room-token`). */
export class RoomTokens {
  /** @type {Map<string, RoomToken>} */ #tokens = new Map();
  #required;
  #issue;
  #clock;

  /**
   * @param {boolean} required
   * @param {(roomId: string) => Promise<RoomToken>} issue
   * @param {ServerClock} clock
   */
  constructor(required, issue, clock) {
    this.#required = required;
    this.#issue = issue;
    this.#clock = clock;
  }

  /** Milliseconds until the room should be entered with a fresh token; `undefined` where none is needed. @param {string} roomId */
  renewalInMs(roomId) {
    const token = this.#required ? this.#tokens.get(roomId) : undefined;
    return token && Date.parse(token.expiresAt) - RENEW_BEFORE_MS - this.#clock.now();
  }

  /**
   * Does something in a room, with a room token where the server asks for one.
   *
   * @template T
   * @param {string} roomId
   * @param {(token: string | undefined) => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  async use(roomId, attempt) {
    if (!this.#required) return attempt(undefined);
    try {
      return await attempt(await this.#get(roomId));
    } catch (error) {
      if (!(error instanceof HaggleError) || error.code !== "token_expired") throw error;
      this.#tokens.delete(roomId);
      return attempt(await this.#get(roomId));
    }
  }

  /** @param {string} roomId */
  async #get(roomId) {
    const leftMs = this.renewalInMs(roomId);
    if (leftMs === undefined || leftMs <= 0) this.#tokens.set(roomId, await this.#issue(roomId));
    return this.#tokens.get(roomId)?.token;
  }
}
