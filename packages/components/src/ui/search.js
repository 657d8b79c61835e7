// @ts-check
import { Avatar, ProductPicture } from "./avatar.js";
import { failureText } from "./dialog.js";
import { PlaceLink } from "./host.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { named } from "./message_text.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Found} Found */

/** A search starts when the typing rests for so long. */
const REST_MS = 250;

/**
 * The box over the inbox, and what was found instead of the inbox.
 *
 * @param {{rest: import("@haggle/client").Rest, user: {id: string}, children: any}} props `children` is the inbox
 */
export function Search({ rest, user, children }) {
  const { t } = useLanguage();
  const [words, setWords] = useState("");
  const [found, setFound] = useState(/** @type {{words: string, items: Found[], nextCursor?: string} | undefined} */ (undefined));
  const [failure, setFailure] = useState(/** @type {{code?: string} | undefined} */ (undefined));
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const wanted = words.trim();

  useEffect(() => {
    setFailure(undefined);
    if (wanted === "") return setFound(undefined);
    const given = new AbortController();
    const timer = setTimeout(() => {
      rest.search(wanted, { signal: given.signal }).then(
        ({ items, nextCursor }) => !given.signal.aborted && setFound({ words: wanted, items, nextCursor }),
        (error) => !given.signal.aborted && setFailure(error),
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      given.abort();
    };
  }, [wanted]);

  const more = async () => {
    if (!found?.nextCursor) return;
    const { items, nextCursor } = await rest.search(found.words, { cursor: found.nextCursor });
    setFound({ ...found, items: [...found.items, ...items], nextCursor });
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
        onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && words !== "" && (event.preventDefault(), clear())}
      />
      ${words !== "" && html`<button type="button" class="search-clear" aria-label=${t.searchClear} onClick=${clear}><${Icon} name="close" /></button>`}
    </form>
    <p class="visually-hidden" role="status">${found && wanted !== "" && found.items.length > 0 && t.searchFound(found.items.length)}</p>
    ${wanted === ""
      ? children
      : failure
        ? html`<p class="notice" role="alert">${failureText(failure, t)}</p>`
        : !found
          ? html`<p class="notice" role="status">${t.loading}</p>`
          : found.items.length === 0
            ? html`<p class="notice" role="status">${found.nextCursor ? t.loading : t.searchNothing(found.words)}</p>`
            : html`<ul class="inbox-list">
                ${found.items.map((item) => html`<${FoundRow} key=${item.message.id} found=${item} user=${user} />`)}
                ${found.nextCursor && html`<li class="inbox-more"><button type="button" class="button" onClick=${more}>${t.more}</button></li>`}
              </ul>`}`;
}

/** @param {{found: Found, user: {id: string}}} props */
function FoundRow({ found: { message, room, snippet }, user }) {
  const { t, format } = useLanguage();
  const other = named(room.buyer.id === user.id ? room.seller : room.buyer, t);
  return html`<li>
    <${PlaceLink} to=${{ view: "room", roomId: room.id, seq: message.seq }} class="inbox-row found" part="inbox-row">
      <span class="inbox-faces">
        <${ProductPicture} product=${room.product} class="picture-s" />
        <${Avatar} user=${other} size="s" />
      </span>
      <span class="inbox-text">
        <span class="inbox-line">
          <span class="inbox-name plain-line" dir="auto">${other.name}</span>
          <time class="inbox-time" datetime=${message.sentAt}>${format.short(message.sentAt)}</time>
        </span>
        <span class="inbox-product"><span class="inbox-title plain-line" dir="auto">${room.product.title}</span></span>
        <span class="found-text" dir="auto">${snippet.map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text))}</span>
      </span>
    <//>
  </li>`;
}
