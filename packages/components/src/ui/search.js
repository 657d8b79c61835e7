// @ts-check
import { HostContext } from "./host.js";
import { Icon } from "./icons.js";
import { InboxSkeleton } from "./inbox_list.js";
import { useLanguage } from "./language.js";
import { html, useContext, useRef, useState } from "./view.js";

/** @type {typeof import("./search_results.js") | undefined} */
let results;

/** What finds something and shows it, read when somebody is about to search. */
const loadResults = async () => (results ??= await import("./search_results.js"));

/**
 * The box over the inbox, and what was found instead of the inbox.
 *
 * @param {{inbox: import("@haggle/client").Inbox, rest: import("@haggle/client").Rest, user: {id: string}, openRoomId?: string, children: any}} props
 *   `children` is the inbox
 */
export function Search({ inbox, rest, user, openRoomId, children }) {
  const { t } = useLanguage();
  const { adopt } = useContext(HostContext);
  const [words, setWords] = useState("");
  const [loaded, setLoaded] = useState(results);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const wanted = words.trim();

  const load = async () => {
    const { sheets } = await loadResults();
    adopt(sheets);
    setLoaded(results);
  };

  const clear = () => {
    setWords("");
    field.current?.focus();
  };

  return html`<form class="search" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${Icon} name="search" />
      <input
        ref=${field}
        type="search"
        aria-label=${t.search}
        placeholder=${t.search}
        maxlength="100"
        autocomplete="off"
        enterkeyhint="search"
        value=${words}
        onFocus=${load}
        onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && words !== "" && (event.preventDefault(), clear())}
      />
      ${words !== "" && html`<button type="button" class="search-clear" aria-label=${t.searchClear} onClick=${clear}><${Icon} name="close" /></button>`}
    </form>
    ${wanted === ""
      ? children
      : loaded
        ? html`<${loaded.SearchResults} words=${wanted} inbox=${inbox} rest=${rest} user=${user} openRoomId=${openRoomId} />`
        : html`<${InboxSkeleton} />`}`;
}
