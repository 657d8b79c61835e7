// @ts-check
import { useEffect, useRef, useState } from "../components/ui/view.js";

/** @typedef {import("./rest.js").StaffMessage} StaffMessage */

/** So close to the end counts as "at the end": new messages scroll into view. */
const NEAR_END_PX = 48;

/** Whether the last message is in sight, above the place where one writes. */
function isEndInSight() {
  const last = document.querySelector(".messages > :last-child")?.getBoundingClientRect();
  const end = document.querySelector(".composer-bar")?.getBoundingClientRect().top ?? innerHeight;
  return !last || last.bottom <= end + NEAR_END_PX;
}

/** @param {StaffMessage | undefined} message */
const rowOf = (message) => /** @type {HTMLElement | null} */ (message ? document.querySelector(`[data-row="${CSS.escape(message.id)}"]`) : null);

/**
 * Keeps the place of somebody who takes part: at the end while they are at the end, still where they read further up.
 *
 * @param {{messages: StaffMessage[], joined: boolean, ownId: string, isSought: boolean}} conversation
 *   `isSought`: they came for one message
 * @returns {{unseen: number, toUnseen: () => void}} messages of others that came while the end was out of sight, and the way to them
 */
export function usePlaceInHistory({ messages, joined, ownId, isSought }) {
  const newest = messages.at(-1);
  const isAtEnd = useRef(!isSought);
  const latest = useRef(newest);
  latest.current = newest;
  const [seenSeq, setSeenSeq] = useState(newest?.seq ?? 0);
  const see = () => setSeenSeq(latest.current?.seq ?? 0);

  useEffect(() => {
    const measure = () => {
      isAtEnd.current = isEndInSight();
      if (isAtEnd.current) see();
    };
    addEventListener("scroll", measure, { passive: true });
    return () => removeEventListener("scroll", measure);
  }, []);

  // Somebody who joins goes on with what was said last, unless they came for another message.
  const first = useRef(true);
  useEffect(() => {
    if (joined && !(first.current && isSought)) isAtEnd.current = true;
    first.current = false;
  }, [joined]);
  useEffect(() => {
    if (!joined) return see();
    // One's own new message is always shown; the others' only to anyone who is reading the end.
    if (!isAtEnd.current && newest?.senderId !== ownId) return;
    isAtEnd.current = true;
    rowOf(newest)?.scrollIntoView({ block: "end" });
    see();
  }, [joined, newest?.id]);

  const unseen = messages.filter(({ seq, senderId }) => seq > seenSeq && senderId !== ownId);
  return {
    unseen: joined ? unseen.length : 0,
    toUnseen() {
      rowOf(unseen[0])?.focus({ preventScroll: true });
      rowOf(unseen[0])?.scrollIntoView({ block: "center" });
      see();
    },
  };
}
