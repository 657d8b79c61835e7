// @ts-check
/** @import { ErrorCode } from "../types/types.d.ts" */

/** What to do next, for a developer. @type {Record<string, string>} */
const HINTS = {
  unauthenticated: "Sign the user in again.",
  token_expired: "Let `fetchToken` return a fresh token.",
  forbidden: "Do not repeat it: this user may not, or there is no such room.",
  muted: "Show `until` to the user.",
  banned: "Sign the user out. Show `until`.",
  frozen: "Show that it is frozen.",
  refused: "Show the message.",
  held: "Show that it is held.",
  blocked: "Show the conversation as closed.",
  not_found: "Do not repeat it: there is none.",
  not_in_room: "Enter the room first, or name it by `roomId`.",
  own_product: "Do not offer the chat to the seller.",
  conflict: "Show it again: it has changed.",
  cursor_expired: "Start again without it.",
  too_large: "Send less at a time.",
  invalid: "Change the field that the message names.",
  rate_limited: "Try again after `retryAfterMs`.",
  internal: "Report the message to the operator.",
  unavailable: "Try again later, with the same `clientId`.",
  disconnected: "Repeat it with the same `clientId` once connected.",
  timeout: "Repeat it with the same `clientId`: it may have been stored.",
  unreachable: "Try again when online, or check `baseUrl` and the server's --allowed-origin.",
  aborted: "Nothing: you aborted it.",
  origin_refused: "List this page's origin with the server's --allowed-origin.",
  no_websocket: "Pass a `WebSocket`, such as that of the package `ws`.",
  unsupported_protocol: "Install the @haggle/client that fits this server.",
};

/** Codes after which the very same request may well succeed. */
const TRANSIENT = new Set(["disconnected", "timeout", "unreachable", "rate_limited", "unavailable"]);

/**
 * A failed request, by WebSocket, Socket.IO or REST. Compare `code`; `message` and {@link hint} are sentences for a developer.
 */
export class HaggleError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} [message]
   * @param {{status?: number, retryAfterMs?: number, until?: string, params?: {reason?: string}, requestId?: string, cause?: unknown}} [details]
   */
  constructor(code, message, { status, retryAfterMs, until, params, requestId, cause } = {}) {
    super(message || code);
    this.name = "HaggleError";
    this.code = code;
    /** The HTTP status, where the answer came over REST. */
    this.status = status;
    /** For `rate_limited`: when the next try can succeed. */
    this.retryAfterMs = retryAfterMs;
    /** For `muted`: when that ends; absent where it has no end. */
    this.until = until;
    /** For `refused`: the marketplace's reason, where it gave one. */
    this.params = params;
    /** Names a failed REST request in the server's log. */
    this.requestId = requestId;
    /** What the failure came from, such as the reason of an aborted signal. */
    this.cause = cause;
  }

  /** What to do next. */
  get hint() {
    return HINTS[this.code] ?? "Treat it as final, and update @haggle/client.";
  }

  /** Whether the very same request may succeed later. */
  get isTransient() {
    return TRANSIENT.has(this.code);
  }
}

/**
 * @param {unknown} error
 * @returns {error is HaggleError} whether the very same request may succeed later
 */
export function isTransient(error) {
  return error instanceof HaggleError && error.isTransient;
}

/**
 * What to do after the server closed the WebSocket.
 *
 * - `reconnect`: after a backoff with jitter. 1001, 1012 (draining), 4008 (read too slowly), a lost network (1006), and
 *   anything unknown.
 * - `renew`: the token expired (4001); the next attempt brings a fresh one.
 * - `wait`: flooding (4029); come back after the `retryAfterMs` of the `error` event before it.
 * - `stop`: 4003 (forbidden, removed) and 1002, 1003, 1007, 1009 (this client is broken): returning would only repeat it.
 *
 * @param {number} code
 * @returns {"reconnect" | "renew" | "wait" | "stop"}
 */
export function afterClose(code) {
  if (code === 4001) return "renew";
  if (code === 4029) return "wait";
  return [4003, 1002, 1003, 1007, 1009].includes(code) ? "stop" : "reconnect";
}

/**
 * @param {AbortSignal} signal
 * @returns {HaggleError}
 */
export function abortedBy(signal) {
  return new HaggleError("aborted", "aborted by the caller's signal", { cause: signal.reason });
}

/**
 * Starts something, and gives it up as soon as the signal says so.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} start is not called when the signal is aborted already
 * @returns {Promise<T>}
 * @throws {HaggleError} `aborted`
 */
export function unlessAborted(signal, start) {
  if (!signal) return start();
  return new Promise((resolve, reject) => {
    const give = () => reject(abortedBy(signal));
    if (signal.aborted) return give();
    signal.addEventListener("abort", give);
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", give));
  });
}
