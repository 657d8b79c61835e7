// @ts-check
import { useEffect, useRef, useState } from "../components/ui/view.js";
import { Queue } from "./queue.js";
import { useDesk } from "./words.js";

/** The lists of conversations that the staff looks after, the one first that is shown first. */
export const LISTS = ["waiting", "support", "joined", "frozen"];

/**
 * One of the lists, as it stands: it asks again by itself, but not while nobody sees the page.
 *
 * @param {string} list
 * @param {(count: number) => void} onNew is called with how many came in while one was looking
 */
export function useStaffRooms(list, onNew) {
  const { rest, know } = useDesk();
  const begin = () =>
    new Queue(async (query, tag) => {
      const found = await rest.listRooms({ list, ...query }, tag);
      if (found) know(found.page.items.map(({ buyer }) => buyer));
      return found;
    });
  const [rooms, setRooms] = useState(begin);
  const [, changed] = useState({});
  const heard = useRef(onNew);
  heard.current = onNew;
  useEffect(() => {
    const current = begin();
    setRooms(current);
    current.start(({ length }) => {
      changed({});
      if (length > 0) heard.current(length);
    });
    return () => current.stop();
  }, [rest, list]);
  return rooms;
}
