// @ts-check
import { describe, named } from "../components/ui/message_text.js";
import { useEffect, useRef, useState } from "../components/ui/view.js";
import { Heard } from "./heard.js";
import { LiveRoom } from "./live_room.js";
import { useDesk, useWords } from "./words.js";

/** @typedef {import("./rest.js").StaffRoom} StaffRoom */
/** @typedef {import("./rest.js").StaffMessage} StaffMessage */
/** @typedef {{room: StaffRoom, messages: StaffMessage[]}} Read */
/** @typedef {"connecting" | "live" | "lost"} State */

/** "is typing" ends by itself when somebody vanished in the middle of a word. */
const TYPING_EXPIRES_MS = 6_000;
/** A screen reader is given so many messages at once; of more, their number. */
const ANNOUNCED_MAX = 3;

/** Whether one has joined a conversation. @param {StaffRoom} room @param {{id: string}} me */
export const isIn = ({ staff = [] }, { id }) => staff.some((one) => one.id === id);

/**
 * A conversation as it goes on, while one is in it and somebody looks.
 *
 * @param {Read} read the conversation as it was read
 * @param {(read: Read) => Promise<void>} refresh reads it again
 */
export function useLive(read, refresh) {
  const { rest, me } = useDesk();
  const [heard] = useState(() => new Heard());
  const [state, setState] = useState(/** @type {State} */ ("connecting"));
  const [, redraw] = useState({});
  const [typists, setTyping] = useTypists();
  const { announcements, announce, announceMessages } = useAnnouncements();
  const shown = heard.addTo(read);
  const joined = isIn(shown.room, me);
  const latest = useRef({ read, refresh, announceMessages });
  latest.current = { read, refresh, announceMessages };
  const now = () => heard.addTo(latest.current.read);

  /** @param {StaffMessage[]} messages @param {boolean} isLive */
  const take = (messages, isLive) => {
    const { room, messages: before } = now();
    const news = messages.filter(({ seq, senderId }) => seq > room.lastSeq && senderId !== me.id);
    for (const message of messages) {
      heard.take(message, before);
      setTyping(message.senderId, false);
    }
    latest.current.announceMessages(room, news, isLive);
    redraw({});
  };
  useEffect(() => {
    if (!joined) return;
    setState("connecting");
    const again = () => void latest.current.refresh(now());
    const live = new LiveRoom(rest, read.room.id, {
      shown() {
        const { room, messages } = now();
        const last = messages.at(-1)?.seq ?? 0;
        return { first: messages[0]?.seq ?? 1, last, isAtEnd: last >= room.lastSeq };
      },
      heard: take,
      read: (userId, seq) => (heard.takeRead(userId, seq), redraw({})),
      typing: setTyping,
      entered({ frozen = false, closed = false }) {
        const { room } = now();
        // Nothing that is sent to the staff says so.
        if (frozen !== room.frozen || closed !== room.closed) again();
      },
      live: (isLive) => setState(isLive ? "live" : "lost"),
      refused() {
        // Somebody who has left, or was taken out, has heard so.
        if (!isIn(now().room, me)) return;
        setState("lost");
        again();
      },
    });
    return () => live.stop();
  }, [joined, rest]);
  return { ...shown, joined, state, typists, announcements, announce, take: (/** @type {StaffMessage} */ message) => take([message], true) };
}

/** Those who type, by their ids. @returns {[string[], (userId: string, typing: boolean) => void]} */
function useTypists() {
  const [typists, setTypists] = useState(/** @type {string[]} */ ([]));
  const timers = useRef(/** @type {Map<string, ReturnType<typeof setTimeout>>} */ (new Map()));
  /** @param {string} userId @param {boolean} typing */
  const set = (userId, typing) => {
    const before = timers.current.has(userId);
    clearTimeout(timers.current.get(userId));
    if (typing) timers.current.set(userId, setTimeout(set, TYPING_EXPIRES_MS, userId, false));
    else timers.current.delete(userId);
    if (typing !== before) setTypists([...timers.current.keys()]);
  };
  useEffect(() => () => timers.current.forEach((timer) => clearTimeout(timer)), []);
  return [typists, set];
}

/** What a screen reader is to say: each once, also when the same is said twice. */
function useAnnouncements() {
  const { t, chat } = useWords();
  const [announcements, setAnnouncements] = useState(/** @type {{id: string, text: string}[]} */ ([]));
  const announce = (/** @type {string[]} */ texts) => {
    const added = texts.map((text) => ({ id: crypto.randomUUID(), text }));
    setAnnouncements((before) => [...before, ...added].slice(-2 * ANNOUNCED_MAX));
  };
  return {
    announcements,
    announce,
    /** @param {StaffRoom} room @param {StaffMessage[]} messages @param {boolean} isLive */
    announceMessages(room, messages, isLive) {
      if (messages.length === 0) return;
      if (!isLive || messages.length > ANNOUNCED_MAX) return announce([chat.t.newMessages(messages.length)]);
      announce(messages.map((message) => `${message.kind === "system" ? t.marketplace : nameIn(room, message, chat.t)}: ${describe(message, chat)}`));
    },
  };
}

/** Who says it. @param {StaffRoom} room @param {StaffMessage} message @param {Parameters<typeof named>[1]} t */
function nameIn({ buyer, seller }, { sender, senderId }, t) {
  return named(sender ?? [buyer, seller].find(({ id }) => id === senderId), t)?.name ?? senderId;
}
