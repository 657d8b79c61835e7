// @ts-check
import { useEffect, useState } from "../components/ui/view.js";

/**
 * Where in the demo one is, kept in the address's fragment, so that the browser's back button works as people expect.
 *
 * @typedef {{view: "market" | "chats"} | {view: "room", roomId: string, seq?: number}} Place
 *   `seq`: the message that one came for
 */

/** @returns {Place} */
function read() {
  const [view, id, seq] = location.hash.replace(/^#\/?/, "").split("/");
  if (view === "rooms" && id) return { view: "room", roomId: decodeURIComponent(id), seq: Number(seq) || undefined };
  return { view: view === "chats" ? "chats" : "market" };
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
