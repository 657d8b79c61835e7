// @ts-check

/*
 * What a member of the staff has begun to write in a conversation: kept in this window until it is sent or they sign out, so
 * that neither another view nor a reload nor an expired sign-in loses it.
 */

const PREFIX = "haggle.staff.draft.";

/** @param {string} me @param {string} room */
const keyOf = (me, room) => `${PREFIX}${JSON.stringify([me, room])}`;

/** @param {string} me whose it is @param {string} room */
export const readDraft = (me, room) => sessionStorage.getItem(keyOf(me, room)) ?? "";

/** @param {string} me @param {string} room @param {string} text an empty one is forgotten */
export function keepDraft(me, room, text) {
  const key = keyOf(me, room);
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // The window's storage is full: the text stays in its field, for as long as that is shown.
  }
}

/** Forgets the drafts of all rooms. */
export function forgetDrafts() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}
