// @ts-check
import { useState } from "./view.js";

/** What was being written in each room, for as long as the page lives. @type {Map<string, string>} */
const unfinished = new Map();

/** @typedef {ReturnType<typeof useUnfinished>} Unfinished */

/**
 * What is being written in a room, also after a look at another one.
 *
 * @param {import("@haggle/client").Room} room
 */
export function useUnfinished(room) {
  const key = `${room.ownUserId} ${room.id}`;
  const [text, setText] = useState(unfinished.get(key) ?? "");
  /** @param {string} text */
  const write = (text) => {
    setText(text);
    if (text) unfinished.set(key, text);
    else unfinished.delete(key);
  };
  return {
    text,
    write,
    /** Puts something before it, to be changed. @param {string} earlier */
    putBack: (earlier) => write([earlier, unfinished.get(key)].filter(Boolean).join("\n")),
  };
}
