// Socket.IO on Node, doing haggle's job.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { isMember, storing } from "./store.js";
import { userOf } from "./token.js";

const http = createServer();
const io = new Server(http, { transports: ["websocket"] });
const chat = io.of("/chat");
const say = storing(
  (message) => chat.to(message.roomId).emit("message", message),
  (message, socket) => socket.emit("message", message),
);

chat.use((socket, next) => {
  socket.data.user = userOf(socket.handshake.auth.token);
  next(socket.data.user ? undefined : new Error("not authorized"));
});

chat.on("connection", (socket) => {
  const senderId = socket.data.user;
  let roomId;
  socket.on("enterRoom", (room, ack) => {
    const ok = isMember(room, senderId);
    if (ok) socket.join((roomId = room));
    ack({ ok });
  });
  socket.on("message", ({ clientId, text }) => {
    if (roomId) say({ roomId, senderId, clientId, text }, socket);
  });
});

http.listen(Number(process.env.PORT), "127.0.0.1");
