// @ts-check
import { useModule } from "./host.js";
import { Icon, IconButton } from "./icons.js";
import { InboxSkeleton } from "./inbox_list.js";
import { useLanguage } from "./language.js";
import { html, useRef, useState } from "./view.js";

/** What finds something and shows it, read when somebody is about to search. */
const loadResults = () => import("./search_results.js");

/**
 * The box over the inbox, and what was found instead of the inbox.
 *
 * @param {{inbox: import("@haggle/client").Inbox, rest: import("@haggle/client").Rest, user: {id: string}, openRoomId?: string, children: any}} props
 *   `children` is the inbox
 */
export function Search({ inbox, rest, user, openRoomId, children }) {
  const { t } = useLanguage();
  const [words, setWords] = useState("");
  const [isNeeded, setNeeded] = useState(false);
  const results = useModule(loadResults, isNeeded);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const wanted = words.trim();

  const clear = () => {
    setWords("");
    field.current?.focus();
  };

  return html`<form class="search" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${Icon} name="search" />
      <input ref=${field} type="search" aria-label=${t.search} placeholder=${t.search} maxlength="100" autocomplete="off"
        enterkeyhint="search" value=${words} onFocus=${() => setNeeded(true)}
        onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && words !== "" && (event.preventDefault(), clear())} />
      ${words !== "" && html`<${IconButton} icon="close" label=${t.searchClear} class="search-clear" onClick=${clear} />`}
    </form>
    ${wanted === ""
      ? children
      : results
        ? html`<${results.SearchResults} words=${wanted} inbox=${inbox} rest=${rest} user=${user} openRoomId=${openRoomId} />`
        : html`<${InboxSkeleton} />`}`;
}
