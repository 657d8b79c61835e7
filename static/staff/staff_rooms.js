// @ts-check
import { useEffect, useState } from "../components/ui/view.js";
import { Queue } from "./queue.js";
import { useDesk } from "./words.js";

/** The lists of conversations that the staff looks after, the one first that is shown first. */
export const LISTS = ["waiting", "support", "joined", "frozen"];

/**
 * One of the lists, as it stands: it asks again by itself, but not while nobody sees the page.
 *
 * @param {string} list
 */
export function useStaffRooms(list) {
  const { rest, know } = useDesk();
  const begin = () =>
    new Queue(async (query, tag) => {
      const found = await rest.listRooms({ list, ...query }, tag);
      if (found) know(found.page.items.map(({ buyer }) => buyer));
      return found;
    });
  const [rooms, setRooms] = useState(begin);
  const [, changed] = useState({});
  useEffect(() => {
    const current = begin();
    setRooms(current);
    current.start(() => changed({}));
    return () => current.stop();
  }, [rest, list]);
  return rooms;
}
