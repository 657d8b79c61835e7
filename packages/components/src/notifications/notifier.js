// @ts-check
import { askPermission, permission, readPreferences } from "./preferences.js";
import { playSound } from "./sound.js";

/** @typedef {import("@haggle/client").HaggleClient} HaggleClient */
/** @typedef {import("@haggle/client").ServerEvents["roomUpdated"]} Update */

/** For so long no other window notifies of the same message. */
const CLAIM_MS = 5_000;
/** A window that somebody looks at comes first. */
const PRECEDENCE_MS = 400;

/**
 * Notifies somebody who looks elsewhere of what came in: with a notification of the system, a soft sound and the number on the app's icon.
 * Says nothing of own messages, of muted conversations, of the open one while it can be seen, and of what came while there was no connection.
 *
 * @param {HaggleClient} client
 * @param {object} page
 * @param {() => string} page.openRoomId
 * @param {(update: Update) => {title: string, body: string}} page.textOf
 * @param {(roomId: string) => void} page.open
 * @returns {() => void} ends it
 */
export function startNotifying(client, { openRoomId, textOf, open }) {
  /** The newest message that is known of each room. @type {Map<string, number>} */
  const known = new Map();
  /** Counts connections; what comes is news once the inbox has been read on the latest of them. */
  let connection = 0;
  let liveConnection = 0;

  const learn = async () => {
    const reading = (connection += 1);
    if (client.state !== "open") return;
    // Should it fail, what was missed and is sent again has come by then.
    await client.inbox.load().catch(() => {});
    for (const { id, lastSeq } of client.inbox.items) known.set(id, Math.max(lastSeq, known.get(id) ?? 0));
    liveConnection = reading;
  };

  /** @param {Update} update */
  const onUpdate = (update) => {
    const { roomId, lastSeq, lastMessage, unread, settings } = update;
    const isNew = lastSeq > (known.get(roomId) ?? 0);
    if (isNew) known.set(roomId, lastSeq);
    if (!isNew || !lastMessage || connection !== liveConnection) return;
    if (lastMessage.senderId !== client.userId && unread > 0 && !settings?.muted) void announce(update, lastMessage.id);
  };

  /** @param {Update} update @param {string} messageId */
  const announce = async (update, messageId) => {
    const isSeen = document.visibilityState === "visible" && openRoomId() === update.roomId;
    if (!(await claim(`haggle.notified/${client.userId}/${messageId}`, isSeen || isInFront())) || isSeen) return;
    const { messages, sound } = readPreferences();
    if (sound) void playSound();
    if (messages && permission() === "granted" && !isInFront()) notify(update.roomId, textOf(update), open);
  };

  const showBadge = () => {
    const { rooms, messages } = client.inbox.unreadTotal;
    const unread = Math.max(rooms, messages);
    const shown = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
    shown?.catch(() => {
      // A page that is not installed has no icon.
    });
  };

  const ends = [client.on("state", learn), client.on("roomUpdated", onUpdate), client.inbox.on("change", showBadge)];
  void learn();
  return () => {
    for (const end of ends) end();
    navigator.clearAppBadge?.().catch(() => {});
  };
}

/** Whether somebody looks at this window. */
function isInFront() {
  return document.visibilityState === "visible" && document.hasFocus();
}

/**
 * Has the browser ask once, when somebody sends a message and may then wait for an answer.
 *
 * @param {import("@haggle/client").Room} room
 * @returns {() => void} ends it
 */
export function askWhenSending(room) {
  return room.on("change", () => {
    const sends = navigator.userActivation?.isActive && room.drafts.some(({ state }) => state === "sending");
    if (sends && permission() === "default" && !readPreferences().asked) void askPermission();
  });
}

/**
 * Whether this window notifies, of all in the browser.
 *
 * @param {string} name
 * @param {boolean} isFirst
 * @returns {Promise<boolean>}
 */
async function claim(name, isFirst) {
  if (!navigator.locks) return true;
  if (!isFirst) await new Promise((resolve) => setTimeout(resolve, PRECEDENCE_MS));
  return new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise((release) => setTimeout(release, CLAIM_MS));
    });
  });
}

/**
 * @param {string} roomId
 * @param {{title: string, body: string}} text
 * @param {(roomId: string) => void} open
 */
function notify(roomId, { title, body }, open) {
  // A room has one, which its newest message replaces. The sound is ours, and has its own switch.
  const options = /** @type {NotificationOptions} */ ({ body, tag: `haggle/${roomId}`, renotify: true, silent: true });
  try {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      focus();
      notification.close();
      open(roomId);
    };
  } catch {
    // Chrome for Android has notifications of service workers alone.
  }
}
