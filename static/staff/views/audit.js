// @ts-check
import { html, useEffect, useState } from "../../components/ui/view.js";
import { ConversationLink, Moment, PersonLink, ProductLink, ReportLink } from "../links.js";
import { PagedList, usePages } from "../loading.js";
import { go } from "../navigation.js";
import { useDesk, useWords } from "../words.js";

/** @typedef {import("../rest.js").AuditEntry} AuditEntry */

/** Of these the server takes one at a time. `actions` is about a user, without what was only read. */
const FILTERS = /** @type {const} */ (["actorId", "actions", "userId", "roomId"]);

/** What a choice is in the address and for the server. @param {string} kind @param {string} id */
const filterOf = (kind, id) => (kind === "actions" ? { userId: id, actions: "true" } : { [kind]: id });

/** Details that are said in words of their own; the others are shown by their names. */
const MOMENTS = new Set(["until", "muteUntil"]);

/** The audit log, newest first. @param {{place: import("../places.js").Place}} props */
export function AuditView({ place: { filters } }) {
  const { t } = useWords();
  const { rest } = useDesk();
  const kind = FILTERS.find((name) => filters[name]);
  const value = filters[kind === "actions" ? "userId" : (kind ?? "")] ?? "";
  const filter = kind && value ? filterOf(kind, value) : {};
  const pages = usePages((cursor) => rest.listAudit(filter, cursor), [JSON.stringify(filter)]);
  useEffect(() => void (document.title = `${t.sections.audit} – haggle`));
  return html`<div class="page">
    <h1 tabindex="-1">${t.sections.audit}</h1>
    <p class="soft">${t.audit.hint}</p>
    <${FilterForm} key=${JSON.stringify(filter)} kind=${kind} value=${value} busy=${pages.busy} reload=${pages.reload} />
    <${PagedList} pages=${pages} empty=${t.audit.none} label=${t.sections.audit}>
      ${(/** @type {AuditEntry} */ entry) => html`<${Entry} key=${entry.id} entry=${entry} />`}
    <//>
  </div>`;
}

/** @param {{kind?: typeof FILTERS[number], value: string, busy: boolean, reload: () => Promise<void>}} props */
function FilterForm({ kind, value, busy, reload }) {
  const { t } = useWords();
  const { me } = useDesk();
  const [name, setName] = useState(kind ?? "");
  const [id, setId] = useState(value);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    go({ view: "audit", filters: name && id.trim() ? filterOf(name, id.trim()) : {} });
  };
  return html`<form class="filter-form" onSubmit=${submit}>
    <label class="field"><span>${t.audit.show}</span>
      <select value=${name} onChange=${(/** @type {any} */ event) => setName(event.currentTarget.value)}>
        <option value="">${t.audit.all}</option>
        ${FILTERS.map((one) => html`<option value=${one} selected=${one === name}>${t.audit.filters[one]}</option>`)}
      </select>
    </label>
    ${name && html`<label class="field"><span>${t.search.id}</span><input autocomplete="off" spellcheck="false" value=${id} onInput=${(/** @type {any} */ event) => setId(event.currentTarget.value)} /></label>`}
    <button type="submit" class="button">${t.audit.apply}</button>
    <button type="button" class="button" onClick=${() => go({ view: "audit", filters: { actorId: me.id } })}>${t.audit.mine}</button>
    <button type="button" class="button" aria-keyshortcuts="r" aria-disabled=${busy} onClick=${reload}>${t.refresh}</button>
  </form>`;
}

/** @param {{entry: AuditEntry}} props */
function Entry({ entry }) {
  const { t, moderator, moment } = useWords();
  const { id, at, by, action, userId, roomId, messageId, productId, reportId, reason, details = {} } = entry;
  const said = Object.entries(action === "assign_report" ? { assignee: t.audit.nobody, ...details } : details).map(([name, value]) => [t.audit.details[name] ?? name, MOMENTS.has(name) && typeof value === "string" ? moment(value) : String(value)]);
  return html`<li class="row entry" data-row=${id} tabindex="-1">
    <span class="line"><strong>${t.audit.actions[action] ?? action}</strong><span class="soft"><bdi>${moderator(by)}</bdi></span><span class="soft end"><${Moment} at=${at} /></span></span>
    <span class="line about">
      ${userId && html`<span>${t.search.kinds.person}: <${PersonLink} id=${userId} /></span>`}
      ${productId && html`<span>${t.search.kinds.product}: <${ProductLink} id=${productId} /></span>`}
      ${roomId && html`<${ConversationLink} id=${roomId} />`}
      ${reportId && html`<${ReportLink} id=${reportId} />`}
      ${messageId && html`<span class="soft">${t.audit.message} <code>${messageId}</code></span>`}
    </span>
    ${reason && html`<span class="excerpt" dir="auto">${reason}</span>`}
    ${said.length > 0 && html`<span class="soft">${said.map(([name, value], index) => html`${index > 0 ? " · " : ""}${name}: <bdi>${value}</bdi>`)}</span>`}
  </li>`;
}
