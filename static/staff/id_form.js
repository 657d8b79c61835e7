// @ts-check
import { html, useEffect, useRef, useState } from "../components/ui/view.js";
import { go } from "./navigation.js";
import { useWords } from "./words.js";

/** By an id one goes straight there. */
const KINDS = /** @type {const} */ (["person", "product", "conversation", "report"]);

/** @typedef {typeof KINDS[number]} Kind */

/** Where an id is looked up. @param {{kind?: Kind, id?: string}} props what the form begins with */
export function IdForm({ kind: first = "person", id: given = "" }) {
  const { t } = useWords();
  const [kind, setKind] = useState(first);
  const [id, setId] = useState(given);
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
    <div class="field"><label for="id-field">${t.search.id}</label>
      <input id="id-field" autocomplete="off" spellcheck="false" value=${id} aria-describedby="id-hint" onInput=${(/** @type {any} */ event) => setId(event.currentTarget.value)} />
      <p class="form-hint" id="id-hint">${t.search.idHints[kind]}</p>
    </div>
    <p><button type="submit" class="button" disabled=${!id.trim()}>${t.search.open}</button></p>
  </form>`;
}

/** Nothing has an id. The form stays, for another one. @param {{kind: Kind, id: string}} props */
export function NotFound({ kind, id }) {
  const { t } = useWords();
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    // Of a report, the queue next to it has the title.
    if (kind !== "report") document.title = `${t.notFound} – haggle`;
    heading.current?.focus();
  }, []);
  return html`
    <h1 tabindex="-1" ref=${heading}>${t.notFound}</h1>
    <p role="alert">${t.search.unknown[kind](id)}</p>
    <${IdForm} kind=${kind} id=${id} />
  `;
}
