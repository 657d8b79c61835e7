// @ts-check

/**
 * A failed request, over the WebSocket or over REST.
 *
 * `code` is one of the contract's (`forbidden`, `rate_limited`, …) or one of the client's own: `disconnected` (the
 * connection ended before the answer; it may or may not have been stored, so repeat with the same `clientId`),
 * `timeout` (the same, the server just never answered), `unreachable` (no HTTP answer at all) and `origin_refused` (the
 * server takes no connection from pages of this origin). With `muted`, `until` says when the mute ends; it is absent for one without an end.
 */
export class HaggleError extends Error {
  /**
   * @param {string} code
   * @param {string} [message]
   * @param {{status?: number, retryAfterMs?: number, until?: string}} [details]
   */
  constructor(code, message, details = {}) {
    super(message || code);
    this.name = "HaggleError";
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.until = details.until;
  }
}

/** Codes after which the very same request may well succeed. */
const TRANSIENT = new Set(["disconnected", "timeout", "unreachable", "rate_limited", "unavailable"]);

/** @param {unknown} error */
export function isTransient(error) {
  return error instanceof HaggleError && TRANSIENT.has(error.code);
}

/**
 * What to do after the server closed the WebSocket.
 *
 * - `reconnect`: after a backoff with jitter. 1001, 1012 (draining), 4008 (read too slowly), a lost network (1006), and
 *   anything unknown.
 * - `renew`: the token expired (4001); the next attempt brings a fresh one.
 * - `wait`: flooding (4029); come back after the `retryAfterMs` of the `error` event before it.
 * - `stop`: 4003 (forbidden, removed) and 1002, 1007, 1009 (this client is broken): returning would only repeat it.
 *
 * @param {number} code
 * @returns {"reconnect" | "renew" | "wait" | "stop"}
 */
export function afterClose(code) {
  switch (code) {
    case 4001:
      return "renew";
    case 4029:
      return "wait";
    case 4003:
    case 1002:
    case 1007:
    case 1009:
      return "stop";
    default:
      return "reconnect";
  }
}
