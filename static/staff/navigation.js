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

/** Those of the queue, within which "back" leads to its list. */
const OF_QUEUE = ["reports", "report"];

/** From a report of the queue to the queue, and else to where one came from. @param {Place} place */
export function goUp({ view, filters }) {
  const { from } = history.state ?? {};
  if (view === "report" && (!from || OF_QUEUE.includes(from))) go({ view: "reports", filters });
  else if (SECTIONS.includes(view)) return;
  else if (depth > 0) history.back();
  else go({ view: "reports" });
}

export function usePlace() {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    let { view } = readPlace(location.hash);
    const onChange = () => {
      if (history.state?.depth === undefined) history.replaceState({ depth: depth + 1, from: view }, "");
      depth = history.state.depth;
      const next = readPlace(location.hash);
      view = next.view;
      setPlace(next);
    };
    if (history.state?.depth === undefined) history.replaceState({ depth: 0 }, "");
    depth = history.state.depth;
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return place;
}
