// @ts-check
import { useEffect, useState } from "./view.js";

/**
 * Where in the page we are, kept in the address's fragment, so that the browser's back button works as people expect.
 *
 * @typedef {{view: "market" | "chats"} | {view: "room", roomId: string}} Place
 */

/** @returns {Place} */
function read() {
  const [view, id] = location.hash.replace(/^#\/?/, "").split("/");
  if (view === "rooms" && id) return { view: "room", roomId: decodeURIComponent(id) };
  return { view: view === "chats" ? "chats" : "market" };
}

/** @param {Place} place */
export function addressOf(place) {
  return place.view === "room" ? `#/rooms/${encodeURIComponent(place.roomId)}` : `#/${place.view}`;
}

/** @param {Place} place */
export function go(place) {
  location.hash = addressOf(place);
}

export function usePlace() {
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const onChange = () => setPlace(read());
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return place;
}
