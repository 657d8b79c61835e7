// @ts-check
import { fetchJson } from "../client/http.js";
import { PLACE_KEY, STORAGE_KEY, takeFromAddress } from "./take_token.js";

/**
 * Who is signed in, by the marketplace's token or as one of the demo's people.
 *
 * @typedef {{token: string} | {demoUserId: string}} SignedIn
 */

/**
 * Takes the name of one of the demo's people out of the address, `/staff#as=<id>`. A server that is no demo has none of them, so
 * that there it changes nothing.
 *
 * @returns {Promise<boolean>} whether somebody is signed in by it
 */
export async function takeDemoUser() {
  const demoUserId = takeFromAddress("as");
  if (demoUserId === undefined) return false;
  const isDemo = await readFeatures().then(({ demo }) => demo === true, () => false);
  if (isDemo) remember({ demoUserId });
  return isDemo;
}

/** What this server has. @returns {Promise<{demo?: boolean, staffSignInUrl?: string}>} */
export const readFeatures = () => fetchJson(`${location.origin}/api/v1/features`);

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
