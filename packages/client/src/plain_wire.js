// @ts-check

/** @typedef {import("./types.js").Wire} Wire */

/**
 * The plain WebSocket wire, `/ws/chat`: one JSON object a frame, nothing but the browser needed.
 *
 * @param {string} baseUrl the server's origin
 * @returns {Wire}
 */
export function plainWire(baseUrl) {
  const url = `${baseUrl.replace(/^http/, "ws")}/ws/chat`;
  return (token, { opened, pushed, lost }) => {
    /** @type {Map<number, (answer: any) => void>} */
    const waiting = new Map();
    let nextId = 1;
    const socket = new WebSocket(url, ["haggle.v1", `bearer.${token}`]);
    socket.onopen = opened;
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (!("reply" in frame)) return pushed(frame);
      waiting.get(frame.reply)?.(frame);
      waiting.delete(frame.reply);
    };
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
