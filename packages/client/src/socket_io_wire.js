// @ts-check

/** @import { Wire } from "../types/types.d.ts" */

/**
 * The Socket.IO wire, `/socket.io/`, with the official client. Where a proxy lets no WebSocket through, it polls.
 *
 * The client is passed in, so that this package depends on nothing.
 *
 * @param {string} baseUrl the server's address
 * @param {(url: string, options: any) => any} io of `socket.io-client`, 4.5 or later
 * @returns {Wire}
 */
export function socketIoWire(baseUrl, io) {
  const url = `${baseUrl.replace(/\/$/, "")}/chat`;
  return (token, { opened, pushed, lost }) => {
    // When to come back is decided in one place for every wire; the client's own reconnection would be a second one.
    // Where a WebSocket went through before, it is the first thing that is tried: a network that died without a word has taken
    // the browser's open HTTP connections with it, and a poll over one of those hangs.
    const socket = io(url, { auth: { token }, reconnection: false, forceNew: true, rememberUpgrade: true });
    /** @type {string | undefined} */
    let lastErrorCode;
    socket.on("connect", () => opened());
    socket.onAny((/** @type {string} */ event, /** @type {any} */ data) => {
      // It belongs to the library's own recovery; this client asks with `after`.
      if (event === "offset") return;
      if (event === "error") lastErrorCode = data.code;
      pushed({ event, data });
    });
    socket.on("connect_error", (/** @type {Error & {data?: any}} */ { message, data }) => {
      if (data) pushed({ event: "error", data: { ...data, message } });
      lost(data ? closeCodeOf(data.code) : 1006);
    });
    socket.on("disconnect", (/** @type {string} */ reason) => {
      // Only an end that does not invite a return is said with a packet, after an `error` event.
      lost(reason === "io server disconnect" ? closeCodeOf(lastErrorCode) : 1006);
    });

    return {
      request(event, data, answered) {
        socket.emit(event, data, answered);
      },
      notify(event, data) {
        socket.emit(event, data);
      },
      close() {
        socket.off();
        socket.offAny();
        socket.disconnect();
      },
    };
  };
}

/**
 * The plain wire's close code for the same end: most clients of Socket.IO never see one.
 *
 * @param {string | undefined} code of the `error` event before the end, or of the refused connection
 */
function closeCodeOf(code) {
  switch (code) {
    case "token_expired":
    case "unauthenticated":
      return 4001;
    case "rate_limited":
      return 4029;
    case "unavailable":
      return 1012;
    default:
      return 4003;
  }
}
