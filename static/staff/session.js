// @ts-check

/**
 * Who is signed in, in the session's storage, which belongs to one window and ends with it.
 *
 * The marketplace redirects to `/staff#token=<JWT>`. The token leaves the address before anything else happens.
 *
 * @typedef {{token: string} | {demoUserId: string}} SignedIn
 * @typedef {{id: string, name: string, role?: string}} Holder
 * @typedef {"none" | "unreadable" | "not_staff" | "unauthenticated" | "token_expired" | "forbidden" | "banned"} Problem
 */

const STORAGE_KEY = "haggle.staff";
/** Where somebody was who had to sign in again. */
const PLACE_KEY = "haggle.staff.place";

/**
 * Takes the token out of the address, or the name of one of the demo's people.
 *
 * @returns {boolean} whether there was one
 */
export function takeToken() {
  const given = new URLSearchParams(location.hash.replace(/^#\/?/, ""));
  const [token, demoUserId] = [given.get("token"), given.get("as")];
  if (token === null && demoUserId === null) return false;
  const place = sessionStorage.getItem(PLACE_KEY) ?? "";
  history.replaceState(null, "", location.pathname + place);
  remember(token !== null ? { token } : { demoUserId: demoUserId ?? "" });
  return true;
}

/** @returns {SignedIn | undefined} */
export function readSession() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {SignedIn} signedIn */
export function remember(signedIn) {
  sessionStorage.removeItem(PLACE_KEY);
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify(signedIn));
}

export function forget() {
  sessionStorage.removeItem(STORAGE_KEY);
}

/** Keeps where one wanted to be, for the way back from the marketplace's sign-in. */
export function rememberPlace() {
  sessionStorage.setItem(PLACE_KEY, location.hash);
}

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
