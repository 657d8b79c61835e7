// @ts-check
import { HaggleError } from "./error.js";

/** @import { ServerClock } from "./clock.js" */
/** @import { RoomToken } from "../types/types.d.ts" */

/** A room token is replaced this long before it expires. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Room tokens, for a server that asks for them (`--authorize room-token`). Whether it does shows in its first refusal, so a
 * client needs no setting for it.
 */
export class RoomTokens {
  /** @type {Map<string, RoomToken>} */ #tokens = new Map();
  #required = false;
  #issue;
  #clock;

  /**
   * @param {(roomId: string) => Promise<RoomToken>} issue
   * @param {ServerClock} clock
   */
  constructor(issue, clock) {
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
    try {
      return await attempt(this.#required ? await this.#get(roomId) : undefined);
    } catch (error) {
      if (!(error instanceof HaggleError) || !["forbidden", "token_expired"].includes(error.code)) throw error;
      this.#tokens.delete(roomId);
      // Nobody but a member gets one; a muted member gets one, and the same refusal again.
      const answer = await attempt(await this.#get(roomId));
      this.#required = true;
      return answer;
    }
  }

  /** @param {string} roomId */
  async #get(roomId) {
    const leftMs = this.renewalInMs(roomId);
    if (leftMs === undefined || leftMs <= 0) this.#tokens.set(roomId, await this.#issue(roomId));
    return this.#tokens.get(roomId)?.token;
  }
}
