// @ts-check
import { html, useEffect, useRef, useState } from "../components/ui/view.js";
import { NotFound } from "./id_form.js";
import { useWords } from "./words.js";

/** @typedef {import("../client/error.js").HaggleError} HaggleError */

/**
 * Something that is read from the server.
 *
 * @template T
 * @typedef {{data?: T, failure?: HaggleError, busy: boolean, reload: () => Promise<void>, read: (read: () => Promise<T>) => Promise<void>,
 *   retry: () => Promise<void>, set: (data: T) => void}} Loading
 *   `read` takes the place of what is there, as `reload` does, by another way; `retry` does again what has failed
 */

/**
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown[]} inputs it is read again when one of them changes
 * @returns {Loading<T>}
 */
export function useLoading(load, inputs) {
  const [state, setState] = useState(/** @type {{data?: T, failure?: HaggleError, retry?: () => Promise<void>, busy: boolean}} */ ({ busy: true }));
  const shown = useRef(state);
  const turn = useRef(0);
  /** @param {typeof state} next */
  const show = (next) => {
    shown.current = next;
    setState(next);
  };
  /** Of several readings, only the one that began last counts. @param {() => Promise<T>} next @returns {Promise<void>} */
  const read = async (next) => {
    const mine = ++turn.current;
    show({ ...shown.current, busy: true });
    try {
      const data = await next();
      if (mine === turn.current) show({ data, busy: false });
    } catch (error) {
      if (mine === turn.current) show({ data: shown.current.data, failure: isFailure(error) ? error : undefined, retry: () => read(next), busy: false });
      if (!isFailure(error)) throw error;
    }
  };
  const reload = () => read(load);
  useEffect(() => {
    show({ busy: true });
    reload();
    return () => void (turn.current += 1);
  }, inputs);
  return { ...state, reload, read, retry: state.retry ?? reload, set: (data) => show({ data, busy: false }) };
}

/**
 * @template T
 * @typedef {{items: T[], more: boolean, failure?: HaggleError, busy: boolean, loadMore: () => Promise<void>, reload: () => Promise<void>,
 *   retry: () => Promise<void>, set: (items: T[]) => void}} Pages
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
  const { data, failure, busy, reload, read, retry, set } = useLoading(() => load().then(({ items, nextCursor }) => ({ items, nextCursor })), inputs);
  const loadMore = async () => {
    if (busy || !data?.nextCursor) return;
    await read(async () => {
      const { items, nextCursor } = await load(data.nextCursor);
      return { items: [...data.items, ...items], nextCursor };
    });
  };
  return {
    items: data?.items ?? [],
    more: data?.nextCursor !== undefined,
    failure,
    busy,
    loadMore,
    reload,
    retry,
    set: (items) => set({ items, nextCursor: data?.nextCursor }),
  };
}

/** Anything else is no answer of the server's but a fault of the page, and the error bar's business. @param {unknown} error @returns {error is HaggleError} */
export const isFailure = (error) => typeof (/** @type {any} */ (error)?.code) === "string";

/** Why there is nothing to see, with another try. @param {{failure: HaggleError, retry: () => void}} props */
export function Failure({ failure, retry }) {
  const { t, failureText } = useWords();
  return html`<div class="notice" role="alert">
    <p>${failureText(failure)}</p>
    <button type="button" class="button" onClick=${retry}>${t.tryAgain}</button>
  </div>`;
}

/**
 * What was read, or why it is not there. A reading that fails later leaves what is shown, and says so above it.
 *
 * @template T
 * @param {{loading: Loading<T>, of?: {kind: import("./id_form.js").Kind, id: string}, children: (data: T) => any}} props
 *   `of`: what is read by its id
 */
export function Loaded({ loading: { data, failure, retry }, of, children }) {
  const { t } = useWords();
  if (failure?.code === "not_found" && of) return html`<${NotFound} key=${of.id} ...${of} />`;
  if (data === undefined) return failure ? html`<${Failure} failure=${failure} retry=${retry} />` : html`<p class="notice" role="status">${t.loading}</p>`;
  return html`${failure && html`<${Failure} failure=${failure} retry=${retry} />`}${children(data)}`;
}

/**
 * The rows of a list in pages, with what stands in their place and the way to the next page.
 *
 * @template T
 * @param {{pages: Pages<T>, empty: string, label: string, children: (item: T, index: number) => any}} props
 */
export function PagedList({ pages: { items, more, failure, busy, loadMore, retry }, empty, label, children }) {
  const { t } = useWords();
  return html`
    ${failure && html`<${Failure} failure=${failure} retry=${retry} />`}
    ${items.length > 0 && html`<ul class="list" aria-label=${label}>${items.map(children)}</ul>`}
    ${!failure && items.length === 0 && !more && html`<p class="notice" role="status">${busy ? t.loading : empty}</p>`}
    ${more && !failure && html`<p class="centred"><button type="button" class="button" aria-disabled=${busy} onClick=${loadMore}>${busy ? t.loading : t.more}</button></p>`}
  `;
}
