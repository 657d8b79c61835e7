// Bun's WebSocket server and its publish/subscribe, doing haggle's job on haggle's plain wire.
import { isMember, storing } from "./store.js";
import { userOf } from "./token.js";

const frame = (message) => JSON.stringify({ event: "message", data: message });
const say = storing(
  (message) => server.publish(message.roomId, frame(message)),
  (message, socket) => socket.send(frame(message)),
);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT),
  fetch(request, server) {
    const user = userOf((request.headers.get("authorization") ?? "").replace("Bearer ", ""));
    if (!user) return new Response("not authorized", { status: 401 });
    return server.upgrade(request, { data: { user, room: null } }) ? undefined : new Response("", { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 900,
    backpressureLimit: 64 * 1024 * 1024,
    message(socket, frame) {
      const { event, data, id } = JSON.parse(frame);
      const at = socket.data;
      if (event === "message" && at.room) {
        say({ roomId: at.room, senderId: at.user, clientId: data.clientId, text: data.text }, socket);
      } else if (event === "enterRoom") {
        if (isMember(data, at.user)) {
          socket.subscribe((at.room = data));
          socket.send(JSON.stringify({ reply: id, data: {} }));
        } else {
          socket.send(JSON.stringify({ reply: id, error: { code: "forbidden", message: "not a member" } }));
        }
      }
    },
  },
});
