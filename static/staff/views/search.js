// @ts-check
import { html, useEffect, useState } from "../../components/ui/view.js";
import { Moment } from "../links.js";
import { PagedList, usePages } from "../loading.js";
import { go, markPlace, takeMark } from "../navigation.js";
import { addressOf } from "../places.js";
import { useDesk, useWords } from "../words.js";

/** What the server takes, in characters. */
const WORDS_MAX = 100;
const REASON_MAX = 1000;

/** By an id one goes straight there. */
const KINDS = /** @type {const} */ (["person", "product", "conversation", "report"]);

/** All conversations by their words, and anything by its id. */
export function SearchView() {
  const { t } = useWords();
  const { lastSearch } = useDesk();
  // It runs by itself for those who come back from what was found; to others it is what the form begins with.
  const [asked, setAsked] = useState(() => (takeMark() ? lastSearch.current : undefined));
  useEffect(() => void (document.title = `${t.sections.search} – haggle`));
  /** @param {{words: string, reason: string}} next */
  const search = (next) => {
    lastSearch.current = next;
    setAsked({ ...next });
  };
  return html`<div class="page">
    <h1 tabindex="-1">${t.sections.search}</h1>
    <div class="columns">
      <${WordsForm} last=${lastSearch.current} search=${search} />
      <${IdForm} />
    </div>
    ${asked && html`<${Results} asked=${asked} />`}
  </div>`;
}

/** @param {{last?: {words: string, reason: string}, search: (next: {words: string, reason: string}) => void}} props */
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
  return html`<form class="form card" role="search" novalidate onSubmit=${submit}>
    <h2>${t.search.byWords}</h2>
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

function IdForm() {
  const { t } = useWords();
  const [kind, setKind] = useState(/** @type {typeof KINDS[number]} */ ("person"));
  const [id, setId] = useState("");
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (id.trim()) go({ view: kind, id: id.trim() });
  };
  return html`<form class="form card" onSubmit=${submit}>
    <h2>${t.search.byId}</h2>
    <label class="field"><span>${t.search.kind}</span>
      <select value=${kind} onChange=${(/** @type {any} */ event) => setKind(event.currentTarget.value)}>
        ${KINDS.map((one) => html`<option value=${one} selected=${one === kind}>${t.search.kinds[one]}</option>`)}
      </select>
    </label>
    <label class="field"><span>${t.search.id}</span>
      <input autocomplete="off" spellcheck="false" value=${id} onInput=${(/** @type {any} */ event) => setId(event.currentTarget.value)} />
    </label>
    <p><button type="submit" class="button" disabled=${!id.trim()}>${t.search.open}</button></p>
  </form>`;
}

/** @param {{asked: {words: string, reason: string}}} props */
function Results({ asked }) {
  const { t } = useWords();
  const { rest, say } = useDesk();
  const pages = usePages((cursor) => rest.searchAll(asked.words, asked.reason, cursor), [asked]);
  const count = pages.items.length;
  useEffect(() => void (!pages.busy && !pages.failure && say(t.search.found(count, pages.more))), [pages.busy, count]);
  return html`<section aria-label=${t.search.results}>
    <h2>${t.search.results}</h2>
    <${PagedList} pages=${pages} empty=${t.search.nothing(asked.words)} label=${t.search.results}>
      ${(/** @type {import("@haggle/client").Found} */ { message, room, snippet }) => html`<li key=${message.id}>
        <a class="row" data-row=${message.id} onClick=${markPlace} href=${addressOf({ view: "conversation", id: room.id, seq: message.seq })}>
          <span class="line"><strong><bdi>${(message.sender ?? (message.senderId === room.seller.id ? room.seller : room.buyer)).name}</bdi></strong><span class="soft plain-line"><bdi>${room.product.title}</bdi></span><span class="soft end"><${Moment} at=${message.sentAt} short /></span></span>
          <span class="excerpt" dir="auto">${snippet.map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text))}</span>
        </a>
      </li>`}
    <//>
  </section>`;
}
