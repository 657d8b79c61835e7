// @ts-check
import { HaggleError } from "./error.js";

/** @import { Wire } from "../types/types.d.ts" */

/** The versions of the protocol that this client speaks, the best one first. The server chooses one of them. */
export const PROTOCOLS = ["haggle.v1"];

/**
 * The plain WebSocket wire, `/ws/chat`: one JSON object per frame.
 *
 * @param {string} baseUrl the server's address
 * @param {{WebSocket?: unknown}} [options] `WebSocket`: a class like the browser's, for a runtime that has none of its own
 * @returns {Wire}
 * @throws {HaggleError} `no_websocket`
 */
export function plainWire(baseUrl, options = {}) {
  const WebSocket = /** @type {typeof globalThis.WebSocket | undefined} */ (options.WebSocket ?? globalThis.WebSocket);
  if (!WebSocket) {
    throw new HaggleError(
      "no_websocket",
      "there is no WebSocket (Node.js 22 has one): install `ws` and pass it, new HaggleClient({ WebSocket })",
    );
  }
  const url = `${baseUrl.replace(/\/$/, "").replace(/^http/, "ws")}/ws/chat`;
  return (token, { opened, pushed, lost }) => {
    /** @type {Map<number, (answer: any) => void>} */
    const waiting = new Map();
    let nextId = 1;
    // What this client speaks, and who it is: a browser's WebSocket can't send headers.
    const socket = new WebSocket(url, [...PROTOCOLS, `bearer.${token}`]);
    socket.onopen = () => opened(socket.protocol);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (!("reply" in frame)) return pushed(frame);
      waiting.get(frame.reply)?.(frame);
      waiting.delete(frame.reply);
    };
    // `ws` throws what nobody listens to. What follows is a close, in every runtime.
    socket.onerror = () => {};
    // A failed handshake is a 1006, too: a browser doesn't show why it failed.
    socket.onclose = ({ code }) => lost(code);

    return {
      request(event, data, answered) {
        const id = nextId++;
        waiting.set(id, answered);
        socket.send(JSON.stringify({ event, data, id }));
      },
      notify(event, data) {
        socket.send(JSON.stringify({ event, data }));
      },
      close() {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
      },
    };
  };
}
