import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* What somebody hears of who looks elsewhere. The browser's own notifications and sounds can't be seen from here: stand-ins note them. */

const KEY = generateKeyPairSync("ec", { namedCurve: "P-256" });

stage({ HAGGLE_VAPID_KEY: KEY.privateKey.export({ type: "pkcs8", format: "pem" }), HAGGLE_VAPID_SUBJECT: "mailto:chat@shop.example" });

/** A window whose page notes what it asks of the browser. @param {{permission: NotificationPermission, wire?: string}} options */
async function open({ permission, wire = "socketIo" }) {
  const window = await Window.open(browser, server.url, { wire });
  const { page } = window;
  await page.addInitScript((permission) => {
    globalThis.shown = [];
    globalThis.questions = [];
    globalThis.notes = 0;
    globalThis.badges = [];
    globalThis.isLookedAt = true;
    globalThis.Notification = class Notification {
      static permission = permission;
      static async requestPermission() {
        questions.push(navigator.userActivation.isActive);
        return (Notification.permission = "granted");
      }
      constructor(title, options) {
        shown.push(Object.assign(this, { title, ...options }));
      }
      close() {
        this.isClosed = true;
      }
    };
    navigator.setAppBadge = async (count) => void badges.push(count);
    navigator.clearAppBadge = async () => void badges.push(0);
    Object.defineProperty(document, "visibilityState", { get: () => (isLookedAt ? "visible" : "hidden") });
    document.hasFocus = () => isLookedAt;
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...when) {
      notes += 1;
      start.apply(this, when);
    };
  }, permission);
  await page.reload();
  await window.signIn("Jonas");
  await page.locator(".inbox-row").first().waitFor();
  await page.locator("haggle-notifications:defined").waitFor({ state: "attached" });
  return window;
}

let sent = 0;
const say = (room, as, text) => server.api("POST", `/rooms/${room}/messages`, { text, clientId: `said-${(sent += 1)}` }, { as });
const look = ({ page }, isLookedAt) =>
  page.evaluate((isLookedAt) => {
    globalThis.isLookedAt = isLookedAt;
    document.dispatchEvent(new Event("visibilitychange"));
  }, isLookedAt);
const shown = ({ page }) => page.evaluate(() => globalThis.shown.map(({ title, body }) => [title, body]));
const inInbox = ({ page }, text) => page.locator(".inbox-row", { hasText: text }).waitFor({ state: "attached" });

for (const wire of ["socketIo", "plain"]) {
  test(`over ${wire}, a notification says who wrote what, in another tab's time, and leads to the conversation`, async () => {
    const window = await open({ permission: "granted", wire });
    const { page } = window;
    await window.openChat("Priya");
    await say("room-jonas-bike", "priya", `Seen at once ${wire}`);
    await window.message(`Seen at once ${wire}`).waitFor();
    await say("room-jonas-chair", "sofia", `Seen in the inbox ${wire}`);
    await inInbox(window, `Seen in the inbox ${wire}`);
    await window.until(() => notes === 2);
    assert.deepEqual(await shown(window), [], "somebody looks at the page");

    await look(window, false);
    await say("room-jonas-chair", "sofia", `Are you there? ${wire}`);
    await window.until(() => globalThis.shown.length === 1);
    assert.deepEqual(await shown(window), [["Sofía Herrera", `Are you there? ${wire}`]]);
    await say("room-jonas-bike", "jonas", `From my phone ${wire}`);
    await say("room-jonas-bike", "priya", `The open one, unseen ${wire}`);
    await window.until(() => globalThis.shown.length === 2);
    assert.deepEqual((await shown(window))[1], ["Priya Nair", `The open one, unseen ${wire}`]);
    await window.until(() => badges.at(-1) >= 2 && document.title === `(${badges.at(-1)}) haggle`);

    await look(window, true);
    await page.evaluate(() => globalThis.shown[0].onclick());
    await page.locator("#conversation-title", { hasText: "Sofía" }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.shown[0].isClosed), true);
    await window.close();
  });

  test(`over ${wire}, what came while there was no connection is no news`, async () => {
    const window = await open({ permission: "granted", wire });
    const { page } = window;
    await look(window, false);
    await page.context().setOffline(true);
    await window.banner.waitFor();
    await say("room-jonas-bike", "priya", `Missed ${wire}`);
    await page.context().setOffline(false);
    await page.evaluate(() => document.querySelector("haggle-messenger").client.reconnectNow());
    await inInbox(window, `Missed ${wire}`);
    await window.banner.waitFor({ state: "detached" });
    await say("room-jonas-chair", "sofia", `News ${wire}`);
    await window.until(() => globalThis.shown.length > 0);
    assert.deepEqual(await shown(window), [["Sofía Herrera", `News ${wire}`]]);
    window.forgiveLostConnections();
    await window.close();
  });
}

test("a notification of what staff says has their name, and not the other member's", async () => {
  const window = await open({ permission: "granted" });
  await window.openChat("Priya");
  await look(window, false);
  await server.api("POST", "/rooms/room-jonas-chair/join", { reason: "They asked for help" }, { as: "moderator" });
  await window.until(() => globalThis.shown.length === 1);
  await say("room-jonas-chair", "moderator", "How can I help?");
  await window.until(() => globalThis.shown.length === 2);
  const { items } = await server.api("GET", "/rooms/room-jonas-chair/messages", undefined, { as: "jonas" });
  assert.deepEqual((await shown(window))[1], [items.at(-1).sender.name, "How can I help?"]);
  assert.notEqual(items.at(-1).sender.name, "Sofía Herrera");
  await server.api("POST", "/rooms/room-jonas-chair/leave", undefined, { as: "moderator" });
  await window.close();
});

test("the browser is asked after the first message, once, and never by itself", async () => {
  const window = await open({ permission: "default" });
  const { page } = window;
  await say("room-jonas-bike", "jonas", "From another device");
  await inInbox(window, "From another device");
  await window.openChat("Sofía");
  assert.deepEqual(await page.evaluate(() => questions), []);
  await window.send("Is Thursday fine?");
  await window.until(() => questions.length === 1);
  await page.evaluate(() => (Notification.permission = "default"));
  await window.send("Or Friday?");
  await window.message("Or Friday?", "sent").waitFor();
  await inInbox(window, "Or Friday?");
  assert.deepEqual(await page.evaluate(() => questions), [true], "while somebody does something, and once");
  await window.close();
});

test("each switch does what it says, and stays as it is", async () => {
  const window = await open({ permission: "default" });
  const { page } = window;
  const [messages, sound] = ["Notify me of new messages", "With a soft sound"].map((name) => page.getByRole("switch", { name }));
  const settings = async () => {
    await page.locator(".account-button").click();
    await messages.waitFor();
  };
  await settings();
  assert.deepEqual([await messages.isChecked(), await sound.isChecked()], [false, true]);
  await messages.click();
  await window.until(() => all(".switch").find(({ textContent }) => textContent === "Notify me of new messages").querySelector("input").checked);
  assert.equal(await page.evaluate(() => questions.length), 1);
  await sound.click();
  assert.equal(await sound.isChecked(), false);
  await window.assertAccessible("settings");
  await page.keyboard.press("Escape");
  await look(window, false);
  await say("room-jonas-chair", "sofia", "Without a sound");
  await window.until(() => globalThis.shown.length === 1);
  assert.equal(await page.evaluate(() => notes), 0);

  await look(window, true);
  await settings();
  await messages.click();
  await sound.click();
  await page.reload();
  await page.locator("haggle-notifications:defined").waitFor({ state: "attached" });
  await page.evaluate(() => (Notification.permission = "granted"));
  await settings();
  assert.deepEqual([await messages.isChecked(), await sound.isChecked()], [false, true]);
  await page.keyboard.press("Escape");
  await look(window, false);
  await say("room-jonas-chair", "sofia", "With a sound alone");
  await window.until(() => notes === 2);
  assert.deepEqual(await shown(window), []);
  await window.close();
});

test("where the browser says no, the switch says why it stays off", async () => {
  const window = await open({ permission: "denied" });
  const { page } = window;
  await page.locator(".account-button").click();
  const messages = page.getByRole("switch", { name: "Notify me of new messages" });
  await messages.click();
  await page.getByText("Your browser blocks notifications of this page.").waitFor();
  assert.equal(await messages.isChecked(), false);
  await window.close();
});

test("of two windows of the same person, one tells, and it is silent while the other shows the conversation", async () => {
  const [first] = [await open({ permission: "granted" })];
  const second = await first.page.context().newPage();
  await second.addInitScript(() => sessionStorage.setItem("haggle.user", JSON.stringify({ id: "jonas", name: "Jonas Weber", role: "buyer" })));
  await second.goto(`${server.url}/#/rooms/room-jonas-bike`);
  await second.locator(".history[aria-busy=false]").waitFor();
  await second.locator("haggle-notifications:defined").waitFor({ state: "attached" });
  await look(first, false);
  await say("room-jonas-bike", "priya", "Seen over there");
  await second.locator(".bubble", { hasText: "Seen over there" }).waitFor();
  await say("room-jonas-chair", "sofia", "Not seen anywhere");
  await second.locator(".inbox-row", { hasText: "Not seen anywhere" }).waitFor();
  // What comes next in the same room is notified later than what came before.
  await second.close();
  await say("room-jonas-chair", "sofia", "Alone again");
  await first.until(() => globalThis.shown.some(({ body }) => body === "Alone again"));
  assert.ok(!(await shown(first)).some(([, body]) => body === "Seen over there"));
  await first.close();
});

/** Waits until something is so that neither the page nor the server announces. */
async function eventually(isSo) {
  for (const end = Date.now() + 20_000; !(await isSo()); ) assert.ok(Date.now() < end, `not so: ${isSo}`);
}

test("a browser is registered by a switch, shows what is pushed in its language, and leads to the conversation", async () => {
  const window = await Window.open(browser, server.url, { locale: "ko-KR" });
  const { page } = window;
  const context = page.context();
  await context.grantPermissions(["notifications"], { origin: server.url });
  // No push service can be reached from here: a stand-in subscribes, and the developer tools push.
  const { x, y } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const p256dh = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]).toString("base64url");
  await page.addInitScript(
    (keys) => {
      const made = ({ applicationServerKey }) => {
        const bytes = Uint8Array.from(atob(applicationServerKey.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
        return {
          options: { applicationServerKey: bytes.buffer },
          toJSON: () => ({ endpoint: "https://push.example/1", expirationTime: null, keys }),
          unsubscribe: async () => (localStorage.removeItem("stand-in"), true),
        };
      };
      PushManager.prototype.subscribe = async (options) => (localStorage.setItem("stand-in", JSON.stringify(options)), made(options));
      PushManager.prototype.getSubscription = async () => {
        const options = localStorage.getItem("stand-in");
        return options && made(JSON.parse(options));
      };
    },
    { p256dh, auth: randomBytes(16).toString("base64url") },
  );
  await page.reload();
  await window.signIn("Jonas");
  const devices = async () => (await server.api("GET", "/me/push-subscriptions", undefined, { as: "jonas" })).items;
  const account = async () => {
    await page.locator(".account-button").click();
    const found = page.getByRole("switch", { name: "이 페이지를 닫아도 알림 받기" });
    await found.waitFor();
    return found;
  };
  const push = await account();
  assert.equal(await push.isChecked(), false);
  await push.click();
  await eventually(async () => (await devices()).length > 0);
  assert.deepEqual((await devices()).map(({ platform, language }) => [platform, language]), [["web", "ko"]]);
  await page.keyboard.press("Escape");

  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  const tools = await context.newCDPSession(page);
  await tools.send("ServiceWorker.enable");
  const [{ registrationId }] = await new Promise((resolve) => {
    tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations.length && resolve(registrations));
    void tools.send("ServiceWorker.disable").then(() => tools.send("ServiceWorker.enable"));
  });
  const deliver = (more) => {
    const data = { id: "n", event: "unread", roomId: "room-jonas-bike", userId: "jonas", productTitle: "Bike", senderName: "Priya Nair", unread: 1, unreadTotal: { rooms: 1, messages: 1 }, language: "ko", ...more };
    return tools.send("ServiceWorker.deliverPushMessage", { origin: server.url, registrationId, data: JSON.stringify(data) });
  };
  const notices = () => worker.evaluate(async () => (await self.registration.getNotifications()).map(({ title, body, tag }) => [title, body, tag]));
  await window.openChat("Priya");
  await deliver({ code: "text", text: "Seen at once" });
  await deliver({ roomId: "room-jonas-chair", senderName: "Sofía Herrera", code: "offer", params: { amount: 4200, currency: "USD", minorDigits: 2, status: "pending" } });
  await eventually(async () => (await notices()).length > 0);
  assert.deepEqual(await notices(), [["Sofía Herrera", "US$42.00 제안이 왔어요", "haggle/room-jonas-chair"]]);
  await worker.evaluate(async () => {
    const [notification] = await self.registration.getNotifications();
    const click = new NotificationEvent("notificationclick", { notification });
    click.waitUntil = () => {};
    self.dispatchEvent(click);
  });
  await page.locator("#conversation-title", { hasText: "Sofía" }).waitFor();
  await eventually(async () => (await notices()).length === 0);
  await deliver({ code: "unread", unread: 3 });
  await eventually(async () => (await notices()).length > 0);
  assert.deepEqual(await notices(), [["Priya Nair", "새 메시지 3개", "haggle/room-jonas-bike"]]);

  // After a reload it is known, and registered again; a sign-out ends it.
  const [{ refreshedAt }] = await devices();
  await page.reload();
  await page.locator("haggle-notifications:defined").waitFor({ state: "attached" });
  await eventually(async () => (await devices())[0].refreshedAt !== refreshedAt);
  assert.equal(await (await account()).isChecked(), true);
  await page.locator(".dialog-foot .button").click();
  await page.locator(".app").waitFor({ state: "detached" });
  assert.deepEqual(await devices(), []);
  await window.close();
});
