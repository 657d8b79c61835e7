// @ts-check
import { useEffect, useState } from "../components/ui/view.js";
import { addressOf, readPlace, SECTIONS } from "./places.js";

/** @typedef {import("./places.js").Place} Place */

/** Entries of the history that this window has added, so that "back" doesn't leave the desk. */
let depth = 0;

/** @param {Parameters<typeof addressOf>[0]} place */
export function go(place) {
  const address = addressOf(place);
  if (address !== location.hash) location.hash = address;
}

/** Marks where one is in the history, before one goes on: this is what one comes back to. */
export function markPlace() {
  history.replaceState({ ...history.state, isMarked: true }, "");
}

/** Whether one has come back to a mark, which is gone then. */
export function takeMark() {
  const { isMarked = false, ...state } = history.state ?? {};
  if (isMarked) history.replaceState(state, "");
  return isMarked;
}

/** In place of where one is, which "back" then passes by. @param {Parameters<typeof addressOf>[0]} place */
export function goInstead(place) {
  history.replaceState(history.state, "", addressOf(place));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** From a report to the queue, and else to where one came from. @param {Place} place */
export function goUp({ view, filters }) {
  if (view === "report") go({ view: "reports", filters });
  else if (SECTIONS.includes(view)) return;
  else if (depth > 0) history.back();
  else go({ view: "reports" });
}

export function usePlace() {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const onChange = () => {
      if (history.state?.depth === undefined) history.replaceState({ depth: depth + 1 }, "");
      depth = history.state.depth;
      setPlace(readPlace(location.hash));
    };
    if (history.state?.depth === undefined) history.replaceState({ depth: 0 }, "");
    depth = history.state.depth;
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return place;
}
