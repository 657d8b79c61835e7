// @ts-check

/*
 * The first script of the page. It imports nothing, so that the token has left the address while the others are still being loaded.
 */

/** Who is signed in, in the session's storage, which belongs to one window and ends with it. */
export const STORAGE_KEY = "haggle.staff";

/** Where somebody was who had to sign in again. */
export const PLACE_KEY = "haggle.staff.place";

/**
 * Takes the marketplace's token out of the address, `/staff#token=<JWT>`, and keeps it.
 *
 * @returns {boolean} whether there was one
 */
export function takeToken() {
  const token = takeFromAddress("token");
  if (token === undefined) return false;
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ token }));
  return true;
}

/**
 * Takes what somebody is signed in with out of the address, and leads to where they wanted to be.
 *
 * @param {"token" | "as"} name
 * @returns {string | undefined}
 */
export function takeFromAddress(name) {
  const value = new URLSearchParams(location.hash.replace(/^#\/?/, "")).get(name);
  if (value === null) return undefined;
  history.replaceState(null, "", location.pathname + (sessionStorage.getItem(PLACE_KEY) ?? ""));
  sessionStorage.removeItem(PLACE_KEY);
  return value;
}

takeToken();
