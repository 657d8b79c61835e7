// @ts-check
import { useState } from "./view.js";

/** @typedef {ReturnType<typeof useUnfinished>} Unfinished */

/*
 * What somebody has begun to write in each room. It outlives a reload where a page may keep something, and all windows of a
 * browser share it.
 */

/** By key, what has been asked for or written. @type {Map<string, string>} */
const drafts = new Map();

/** @type {Set<(key: string) => void>} */
const listeners = new Set();

/** @param {string} userId @param {string} roomId */
const keyOf = (userId, roomId) => `haggle.draft/${encodeURIComponent(userId)}/${roomId}`;

/** @param {string} userId whose @param {string} roomId */
export function draftOf(userId, roomId) {
  const key = keyOf(userId, roomId);
  if (!drafts.has(key)) drafts.set(key, stored(key));
  return drafts.get(key) ?? "";
}

/** @param {string} userId whose @param {string} roomId @param {string} text */
export function keepDraft(userId, roomId, text) {
  const key = keyOf(userId, roomId);
  drafts.set(key, text);
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // Where nothing may be kept, or nothing more, it lives as long as the page.
  }
  for (const listener of [...listeners]) listener(key);
}

/**
 * Calls back whenever the draft of a room has changed, in this window or in another.
 *
 * @param {string} userId
 * @param {string} roomId
 * @param {() => void} changed
 * @returns {() => void} ends it
 */
export function onDraft(userId, roomId, changed) {
  const wanted = keyOf(userId, roomId);
  const listener = (/** @type {string} */ key) => key === wanted && changed();
  if (listeners.size === 0) addEventListener("storage", onStorage);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) removeEventListener("storage", onStorage);
  };
}

/** Another window has written. @param {StorageEvent} event */
function onStorage({ key, newValue }) {
  if (!key || !drafts.has(key)) return;
  drafts.set(key, newValue ?? "");
  for (const listener of [...listeners]) listener(key);
}

/** @param {string} key */
function stored(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/**
 * What is being written in a room, also after a look at another one.
 *
 * @param {import("@haggle/client").Room} room
 */
export function useUnfinished({ ownUserId, id }) {
  const [text, setText] = useState(() => draftOf(ownUserId, id));
  /** @param {string} text */
  const write = (text) => {
    setText(text);
    keepDraft(ownUserId, id, text);
  };
  return {
    text,
    write,
    /** Puts something before it, to be changed. @param {string} earlier */
    putBack: (earlier) => write([earlier, draftOf(ownUserId, id)].filter(Boolean).join("\n")),
  };
}
