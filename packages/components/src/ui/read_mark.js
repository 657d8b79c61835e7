// @ts-check
import { isNews } from "./arrange.js";
import { useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").Room} Room */

/**
 * What was unread when the room was entered this time. Fixed then: the line above it must not wander off while one reads, and what
 * arrives under one's eyes needs none.
 *
 * @param {Room} room
 * @param {(seq: number) => Promise<void>} loadBackTo reads older pages until that message is here, or gives up
 * @returns {{settled: boolean, unread: Message[]}} `settled`: nothing more is read to find where they begin
 */
export function useUnread(room, loadBackTo) {
  const visit = useRef(/** @type {{readSeq: number, lastSeq: number} | undefined} */ (undefined));
  const [gaveUp, setGaveUp] = useState(false);
  if (room.caughtUp) visit.current ??= { readSeq: room.readSeqAtEntry, lastSeq: room.timeline.lastSeq };
  const { readSeq = Infinity, lastSeq = 0 } = visit.current ?? {};
  const isReached = room.timeline.firstSeq <= readSeq + 1;

  useEffect(() => {
    if (!visit.current || isReached) return;
    let left = false;
    // A page that failed: without the place where they begin, one starts at the end.
    loadBackTo(readSeq + 1)
      .catch(() => {})
      .then(() => !left && setGaveUp(true));
    return () => void (left = true);
  }, [visit.current]);

  const unread = isReached ? room.messages.filter((message) => message.seq > readSeq && message.seq <= lastSeq && isNews(message, room.ownUserId)) : [];
  return { settled: visit.current !== undefined && (isReached || gaveUp), unread };
}
