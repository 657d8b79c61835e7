// @ts-check

/**
 * @typedef {{id: string, name: string, role?: string}} Holder
 * @typedef {"none" | "unreadable" | "not_staff" | "unauthenticated" | "token_expired" | "forbidden" | "banned"} Problem
 */

/**
 * What a token says of its holder. Only the server knows whether it is true; this is for words.
 *
 * @param {string} token
 * @returns {Holder | undefined} `undefined` for what is no token
 */
export function readToken(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const { sub, name, haggle_role: role } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? { id: sub, name: typeof name === "string" && name ? name : sub, role } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with a token, as far as it says so itself. Whether it has expired is the server's to say: this device's clock may
 * be wrong.
 *
 * @param {string} token
 * @returns {Problem | undefined}
 */
export function problemOf(token) {
  const holder = readToken(token);
  if (!holder) return "unreadable";
  return holder.role === "staff" ? undefined : "not_staff";
}
