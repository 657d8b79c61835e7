// @ts-check
import { useEffect, useState } from "../components/ui/view.js";
import { isFailure } from "./loading.js";
import { SAMPLE_MS } from "./samples.js";
import { useDesk } from "./words.js";

/** @typedef {import("../client/error.js").HaggleError} HaggleError */

/** The numbers as they come, which are asked for again by themselves, but not while nobody sees the page. */
export function useSamples() {
  const { rest, samples } = useDesk();
  const [failure, setFailure] = useState(/** @type {HaggleError | undefined} */ (undefined));
  const [, changed] = useState({});
  const [turn, again] = useState(0);
  useEffect(() => {
    let runs = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const look = async () => {
      clearTimeout(timer);
      if (!runs || document.hidden) return;
      try {
        const now = await rest.getOperations();
        samples.add(now);
        if (runs) setFailure(undefined);
      } catch (error) {
        if (!isFailure(error)) throw error;
        if (runs) setFailure(error);
      }
      if (!runs) return;
      changed({});
      clearTimeout(timer);
      timer = setTimeout(look, SAMPLE_MS);
    };
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      runs = false;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [rest, turn]);
  return { samples, failure, retry: () => again(turn + 1) };
}
