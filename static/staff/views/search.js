// @ts-check
import { Avatar } from "../../components/ui/avatar.js";
import { named } from "../../components/ui/message_text.js";
import { html, useEffect, useRef, useState } from "../../components/ui/view.js";
import { IdForm } from "../id_form.js";
import { Moment } from "../links.js";
import { PagedList, usePages } from "../loading.js";
import { go, markPlace, takeMark } from "../navigation.js";
import { addressOf } from "../places.js";
import { useDesk, useWords } from "../words.js";

/** What the server takes, in characters. */
const WORDS_MAX = 100;
const REASON_MAX = 1000;

/** @typedef {NonNullable<import("../words.js").DeskTools["lastSearch"]["current"]>} Asked */

/** All conversations by their words, people by their names, and anything by its id. */
export function SearchView() {
  const { t } = useWords();
  const { lastSearch } = useDesk();
  // It runs by itself for those who come back from what was found; to others it is what the form begins with.
  const [asked, setAsked] = useState(() => (takeMark() ? lastSearch.current : undefined));
  useEffect(() => void (document.title = `${t.sections.search} – haggle`));
  /** @param {Asked} next */
  const search = (next) => {
    lastSearch.current = next;
    setAsked({ ...next });
  };
  const last = lastSearch.current;
  return html`<div class="page">
    <h1 tabindex="-1">${t.sections.search}</h1>
    <div class="columns">
      <${WordsForm} last=${last && "words" in last ? last : undefined} search=${search} />
      <div class="stack">
        <${NameForm} last=${last && "name" in last ? last.name : ""} search=${search} />
        <${IdForm} />
      </div>
    </div>
    ${asked && ("name" in asked ? html`<${People} asked=${asked} />` : html`<${Results} asked=${asked} />`)}
  </div>`;
}

/** @param {{last: string, search: (next: Asked) => void}} props */
function NameForm({ last, search }) {
  const { t } = useWords();
  const [name, setName] = useState(last);
  const [isMissing, setMissing] = useState(false);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    setMissing(!name.trim());
    if (name.trim()) search({ name: name.trim() });
    else document.getElementById("search-name")?.focus();
  };
  return html`<form class="form card" role="search" aria-labelledby="search-name-title" novalidate onSubmit=${submit}>
    <h2 id="search-name-title">${t.search.byName}</h2>
    <div class="field"><label for="search-name">${t.search.name}</label>
      <input id="search-name" type="search" autocomplete="off" spellcheck="false" maxlength=${WORDS_MAX} value=${name} aria-invalid=${String(isMissing)} aria-describedby="search-name-hint" onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)} />
      <p class="form-hint" id="search-name-hint">${t.search.nameHint}</p>
    </div>
    ${isMissing && html`<p class="form-failure" role="alert">${t.search.nameNeeded}</p>`}
    <p><button type="submit" class="button">${t.search.search}</button></p>
  </form>`;
}

/** @param {{asked: {name: string}}} props */
function People({ asked }) {
  const { t, chat } = useWords();
  const { rest, know } = useDesk();
  const pages = usePages(async (cursor) => {
    const page = await rest.findUsers(asked.name, cursor);
    know(page.items);
    return page;
  }, [asked]);
  const { list, open, count, isThere } = useArrival(pages, asked);
  return html`<section aria-label=${t.search.people} ref=${list}>
    <h2>${isThere && count > 0 ? t.search.foundPeople(count, pages.more) : t.search.people}</h2>
    <${PagedList} pages=${pages} empty=${t.search.nothing(asked.name)} label=${t.search.people}>
      ${(/** @type {import("@haggle/client").User} */ user) => html`<li key=${user.id}>
        <a class="row person" data-row=${user.id} onClick=${() => open(user.id)} href=${addressOf({ view: "person", id: user.id })}>
          <${Avatar} user=${user} size="m" /><span class="grow"><strong><bdi>${named(user, chat.t).name}</bdi></strong><span class="soft block"><code>${user.id}</code></span></span>
        </a>
      </li>`}
    <//>
  </section>`;
}

/** @param {{last?: {words: string, reason: string}, search: (next: Asked) => void}} props */
function WordsForm({ last, search }) {
  const { t } = useWords();
  const [words, setWords] = useState(last?.words ?? "");
  const [reason, setReason] = useState(last?.reason ?? "");
  const [missing, setMissing] = useState("");
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const lacks = !words.trim() ? "words" : !reason.trim() ? "reason" : "";
    setMissing(lacks);
    if (lacks) document.getElementById(`search-${lacks}`)?.focus();
    else search({ words: words.trim(), reason: reason.trim() });
  };
  return html`<form class="form card" role="search" aria-labelledby="search-words-title" novalidate onSubmit=${submit}>
    <h2 id="search-words-title">${t.search.byWords}</h2>
    <label class="field"><span>${t.search.words}</span>
      <input id="search-words" type="search" autocomplete="off" maxlength=${WORDS_MAX} value=${words} aria-invalid=${String(missing === "words")} onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)} />
    </label>
    <div class="field"><label for="search-reason">${t.reason}</label>
      <input id="search-reason" autocomplete="off" maxlength=${REASON_MAX} value=${reason} aria-required="true" aria-invalid=${String(missing === "reason")} aria-describedby="search-hint" onInput=${(/** @type {any} */ event) => setReason(event.currentTarget.value)} />
      <p class="form-hint" id="search-hint">${t.search.hint}</p>
    </div>
    ${missing && html`<p class="form-failure" role="alert">${missing === "words" ? t.search.wordsNeeded : t.reasonNeeded}</p>`}
    <p><button type="submit" class="button button-primary">${t.search.search}</button></p>
  </form>`;
}

/**
 * Leads somebody who has searched to what was found: to the result that they come back from, else to the first.
 *
 * @param {import("../loading.js").Pages<any>} pages
 * @param {object} asked
 */
function useArrival(pages, asked) {
  const { lastSearch } = useDesk();
  const count = pages.items.length;
  const isThere = !pages.busy && !pages.failure;
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const hasArrived = useRef(false);
  useEffect(() => void (hasArrived.current = false), [asked]);
  useEffect(() => {
    if (!isThere || count === 0 || hasArrived.current) return;
    hasArrived.current = true;
    const opened = lastSearch.current?.opened;
    const row = opened && list.current?.querySelector(`[data-row="${CSS.escape(opened)}"]`);
    /** @type {HTMLElement | null | undefined} */ (row || list.current?.querySelector("[data-row]"))?.focus();
  }, [isThere, count, asked]);
  /** @param {string} id of a result */
  const open = (id) => {
    if (lastSearch.current) lastSearch.current.opened = id;
    markPlace();
  };
  return { list, open, count, isThere };
}

/** @param {{asked: {words: string, reason: string}}} props */
function Results({ asked }) {
  const { t, chat } = useWords();
  const { rest } = useDesk();
  const pages = usePages((cursor) => rest.searchAll(asked.words, asked.reason, cursor), [asked]);
  const { list, open, count, isThere } = useArrival(pages, asked);
  return html`<section aria-label=${t.search.results} ref=${list}>
    <h2>${isThere && count > 0 ? t.search.found(count, pages.more) : t.search.results}</h2>
    <${PagedList} pages=${pages} empty=${t.search.nothing(asked.words)} label=${t.search.results}>
      ${(/** @type {import("@haggle/client").Found} */ { message, room, snippet }) => html`<li key=${message.id}>
        <a class="row" data-row=${message.id} onClick=${() => open(message.id)} href=${addressOf({ view: "conversation", id: room.id, seq: message.seq })}>
          <span class="line"><strong><bdi>${message.kind === "system" ? t.marketplace : named(message.sender ?? (message.senderId === room.seller.id ? room.seller : room.buyer), chat.t).name}</bdi></strong><span class="soft plain-line"><bdi>${room.product?.title ?? named(room.seller, chat.t).name}</bdi></span><span class="soft end"><${Moment} at=${message.sentAt} short /></span></span>
          <span class="excerpt" dir="auto">${snippet.map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text))}</span>
        </a>
      </li>`}
    <//>
  </section>`;
}
