// @ts-check
import { useEffect, useState } from "../components/ui/view.js";

/**
 * Where in the demo one is, kept in the address's fragment, so that the browser's back button works as people expect.
 *
 * @typedef {{view: "market" | "chats"} | {view: "room", roomId: string, seq?: number}} Place
 *   `seq`: the message that one came for
 */

/** Two panes from this width on, as the messenger has them. */
const TWO_PANES = "(width >= 62.5rem)";

/** @returns {Place} */
function read() {
  const [view, id, seq] = location.hash.replace(/^#\/?/, "").split("/");
  const roomId = view === "rooms" || view === "chats" ? decoded(id) : "";
  if (roomId) return { view: "room", roomId, seq: /^\d{1,15}$/.test(seq) ? Number(seq) : undefined };
  return { view: view === "chats" ? "chats" : "market" };
}

/** @param {string} [part] of an address, which anybody may have written */
function decoded(part = "") {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/**
 * The address of one of the demo's places, or of one that a component asks for.
 *
 * @param {Place | {view: "inbox"}} place
 */
export function addressOf(place) {
  if (place.view !== "room") return `#/${place.view === "inbox" ? "chats" : place.view}`;
  return `#/rooms/${encodeURIComponent(place.roomId)}${place.seq ? `/${place.seq}` : ""}`;
}

/** Whether the page itself leads to the next place, and not an address that somebody typed or pasted. */
let isLed = false;

/** @param {Place | {view: "inbox"}} place */
export function go(place) {
  noteStep(addressOf(place));
  location.hash = addressOf(place);
}

/** Notes a step that the page leads. @param {string} address */
function noteStep(address) {
  // To where one is already is no step.
  isLed = address !== location.hash;
}

/** Goes there in place of where one is, which "back" then passes by. @param {Place} place */
export function goInstead(place) {
  history.replaceState(history.state, "", addressOf(place));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** To where one came from inside the page, and to the conversations for somebody who came from elsewhere. */
export function goBack() {
  if (history.state?.fromInside) history.back();
  else goInstead({ view: "chats" });
}

/** Notes with a new entry of the history how one came there. @param {boolean} fromInside */
function markEntry(fromInside) {
  if (history.state === null) history.replaceState({ fromInside }, "");
}

export function usePlace() {
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const onChange = () => {
      markEntry(isLed);
      isLed = false;
      setPlace(read());
    };
    const onClick = (/** @type {MouseEvent} */ { target }) => {
      const link = target instanceof Element && target.closest("a[href^='#/']");
      if (link) noteStep(link.getAttribute("href") ?? "");
    };
    markEntry(false);
    addEventListener("click", onClick);
    addEventListener("hashchange", onChange);
    return () => {
      removeEventListener("click", onClick);
      removeEventListener("hashchange", onChange);
    };
  }, []);
  return place;
}

/** Whether the messenger shows a conversation next to the inbox. */
export function useTwoPanes() {
  const [query] = useState(() => matchMedia(TWO_PANES));
  const [matches, setMatches] = useState(query.matches);
  useEffect(() => {
    const onChange = () => setMatches(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, []);
  return matches;
}
