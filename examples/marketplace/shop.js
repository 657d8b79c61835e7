import { createHmac, timingSafeEqual } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import express from "express";
import session from "express-session";
import { SignJWT } from "jose";
import { products, users } from "./data.js";
import { list, messenger, page, signIn } from "./pages.js";

const { CHAT_URL = "http://127.0.0.1:5000", SERVICE_KEY, JWT_SECRET, WEBHOOK_SECRET, SESSION_SECRET, PORT = "3000" } = process.env;

/** Asks haggle as the marketplace's own backend. */
async function haggle(method, path, body) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/json" };
  const response = await fetch(`${CHAT_URL}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${response.status}`), { status: response.status });
  return response.json();
}

const app = express();
const policy = `default-src 'self'; script-src 'self' ${CHAT_URL}; connect-src 'self' ${CHAT_URL} ${CHAT_URL.replace(/^http/, "ws")}; img-src 'self' blob: ${CHAT_URL}; object-src 'none'; base-uri 'none'; require-trusted-types-for 'script'`;
app.use((_request, response, next) => (response.set("content-security-policy", policy), next()));
app.use(express.static("public"));

// The signature covers the bytes as they were sent, so this comes before the JSON parser.
app.post("/webhook", express.raw({ type: "*/*" }), (request, response) => {
  const [, time, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(request.get("haggle-signature") ?? "") ?? [];
  const expected = createHmac("sha256", WEBHOOK_SECRET).update(`${time}.`).update(request.body).digest();
  const isGood = given && Math.abs(Date.now() / 1000 - time) < 300 && timingSafeEqual(Buffer.from(given, "hex"), expected);
  if (!isGood) return response.sendStatus(401);
  const { event, userId, unread, product } = JSON.parse(request.body);
  // With --webhook-events others would come, too.
  if (event === "unread") console.log(`mail to ${userId}: ${unread} unread ${product ? `about ${product.title}` : "from support"}`);
  response.sendStatus(204);
});

app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { httpOnly: true, sameSite: "lax" } }));
app.use(express.urlencoded({ extended: false }));

app.post("/sign-in", (request, response, next) => {
  const user = users.get(request.body.id);
  // A real shop keeps hashes.
  if (user?.password !== request.body.password) return response.status(401).send(page({ chat: CHAT_URL, body: signIn(true) }));
  // A new session, so that nobody knows its id from before.
  request.session.regenerate((error) => (error ? next(error) : ((request.session.userId = user.id), response.redirect("/"))));
});
app.use((request, response, next) => {
  request.user = users.get(request.session.userId);
  if (request.user) return next();
  if (request.path === "/chat-token") return response.sendStatus(401);
  response.send(page({ chat: CHAT_URL, body: signIn() }));
});
app.post("/sign-out", (request, response) => request.session.destroy(() => response.redirect("/")));

app.get("/chat-token", async ({ user }, response) => {
  const token = new SignJWT({ name: user.name }).setProtectedHeader({ alg: "HS256" }).setSubject(user.id).setIssuedAt().setExpirationTime("15m");
  response.set("cache-control", "no-store").json({ token: await token.sign(new TextEncoder().encode(JWT_SECRET)) });
});

const show = (request, response, body) => response.send(page({ chat: CHAT_URL, user: request.user, body }));
app.get("/", (request, response) => show(request, response, list(products, request.user)));
app.get(["/chats", "/chats/:room"], (request, response) => show(request, response, messenger(CHAT_URL, request.params.room)));
app.post("/products/:id/chat", async (request, response) => {
  const room = await haggle("POST", "/rooms", { productId: request.params.id, buyerId: request.user.id });
  response.redirect(303, `/chats/${room.id}`);
});

/** Follows what happens in the chat: an accepted offer reserves a product here, too. A real shop keeps the cursor in its database. */
async function follow() {
  for (let cursor; ; ) {
    try {
      const { items, nextCursor, hasMore } = await haggle("GET", `/events?limit=200${cursor ? `&after=${cursor}` : ""}`);
      for (const { event, data } of items) if (event === "productUpdated" && products.has(data.id)) products.get(data.id).status = data.status;
      cursor = nextCursor ?? cursor;
      if (!hasMore) await wait(1_000);
    } catch (error) {
      // After a restore of the chat's database the cursor is of no use.
      if (error.status === 410) cursor = undefined;
      await wait(1_000);
    }
  }
}

const server = app.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
void follow();
