// @ts-check
import { draftOf, keepDraft } from "./composer_drafts.js";
import { useState } from "./view.js";

/** @typedef {ReturnType<typeof useUnfinished>} Unfinished */

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
