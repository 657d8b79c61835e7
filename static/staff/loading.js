// @ts-check
import { html, useEffect, useRef, useState } from "../components/ui/view.js";
import { useWords } from "./words.js";

/** @typedef {import("../client/error.js").HaggleError} HaggleError */

/**
 * Something that is read from the server.
 *
 * @template T
 * @typedef {{data?: T, failure?: HaggleError, busy: boolean, reload: () => Promise<void>, set: (data: T) => void}} Loading
 */

/**
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown[]} inputs it is read again when one of them changes
 * @returns {Loading<T>}
 */
export function useLoading(load, inputs) {
  const [state, setState] = useState(/** @type {{data?: T, failure?: HaggleError, busy: boolean}} */ ({ busy: true }));
  const shown = useRef(state);
  const turn = useRef(0);
  /** @param {typeof state} next */
  const show = (next) => {
    shown.current = next;
    setState(next);
  };
  const reload = async () => {
    const mine = ++turn.current;
    show({ ...shown.current, busy: true });
    try {
      const data = await load();
      if (mine === turn.current) show({ data, busy: false });
    } catch (error) {
      const failure = failureOf(error);
      if (mine === turn.current) show({ data: shown.current.data, failure, busy: false });
    }
  };
  useEffect(() => {
    show({ busy: true });
    reload();
    return () => void (turn.current += 1);
  }, inputs);
  return { ...state, reload, set: (data) => show({ data, busy: false }) };
}

/**
 * @template T
 * @typedef {{items: T[], more: boolean, failure?: HaggleError, busy: boolean, loadMore: () => Promise<void>, reload: () => Promise<void>,
 *   set: (items: T[]) => void}} Pages
 */

/**
 * A list that comes in pages.
 *
 * @template T
 * @param {(cursor?: string) => Promise<import("@haggle/client").Page<T>>} load
 * @param {unknown[]} inputs it begins again when one of them changes
 * @returns {Pages<T>}
 */
export function usePages(load, inputs) {
  const { data, failure, busy, reload, set } = useLoading(() => load().then(({ items, nextCursor }) => ({ items, nextCursor })), inputs);
  const [further, setFurther] = useState(/** @type {{busy: boolean, failure?: HaggleError}} */ ({ busy: false }));
  const loadMore = async () => {
    if (further.busy || !data?.nextCursor) return;
    setFurther({ busy: true });
    try {
      const page = await load(data.nextCursor);
      set({ items: [...data.items, ...page.items], nextCursor: page.nextCursor });
      setFurther({ busy: false });
    } catch (error) {
      setFurther({ busy: false, failure: failureOf(error) });
    }
  };
  return {
    items: data?.items ?? [],
    more: data?.nextCursor !== undefined,
    failure: failure ?? further.failure,
    busy: busy || further.busy,
    loadMore,
    reload,
    set: (items) => set({ items, nextCursor: data?.nextCursor }),
  };
}

/** What is no answer of the server's is a fault of the page, and the error bar's business. @param {unknown} error */
function failureOf(error) {
  if (typeof (/** @type {any} */ (error)?.code) !== "string") throw error;
  return /** @type {HaggleError} */ (error);
}

/** Why there is nothing to see, with another try. @param {{failure: HaggleError, retry: () => void}} props */
export function Failure({ failure, retry }) {
  const { t, failureText } = useWords();
  return html`<div class="notice" role="alert">
    <p>${failureText(failure)}</p>
    <button type="button" class="button" onClick=${retry}>${t.tryAgain}</button>
  </div>`;
}

/**
 * What was read, or why it is not there.
 *
 * @template T
 * @param {{loading: Loading<T>, children: (data: T) => any}} props
 */
export function Loaded({ loading: { data, failure, reload }, children }) {
  const { t } = useWords();
  if (failure) return html`<${Failure} failure=${failure} retry=${reload} />`;
  return data === undefined ? html`<p class="notice" role="status">${t.loading}</p>` : children(data);
}

/**
 * The rows of a list in pages, with what stands in their place and the way to the next page.
 *
 * @template T
 * @param {{pages: Pages<T>, empty: string, label: string, children: (item: T, index: number) => any}} props
 */
export function PagedList({ pages: { items, more, failure, busy, loadMore, reload }, empty, label, children }) {
  const { t } = useWords();
  return html`
    ${failure && html`<${Failure} failure=${failure} retry=${items.length ? loadMore : reload} />`}
    ${items.length > 0 && html`<ul class="list" aria-label=${label}>${items.map(children)}</ul>`}
    ${!failure && items.length === 0 && !more && html`<p class="notice" role="status">${busy ? t.loading : empty}</p>`}
    ${more && !failure && html`<p class="centred"><button type="button" class="button" aria-disabled=${busy} onClick=${loadMore}>${busy ? t.loading : t.more}</button></p>`}
  `;
}
