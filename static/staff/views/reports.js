// @ts-check
import { describe, named } from "../../components/ui/message_text.js";
import { html, useEffect } from "../../components/ui/view.js";
import { Failure } from "../loading.js";
import { go } from "../navigation.js";
import { addressOf } from "../places.js";
import { useArrivals, useQueue } from "../queue.js";
import { useDesk, useWords } from "../words.js";
import { Moment } from "../links.js";
import { Assignee, ReportView } from "./report.js";

/** @typedef {import("../rest.js").Report} Report */
/** @typedef {import("../places.js").Place} Place */

const CATEGORIES = /** @type {const} */ (["scam", "spam", "harassment", "prohibited_item", "other"]);

/** Whose: anyone's, one's own, nobody's. */
const ASSIGNEES = ["", "me", "none"];

/** The queue, and next to it the report that was opened; on a narrow screen one of the two. @param {{place: Place}} props */
export function ReportsView({ place }) {
  const { t } = useWords();
  const announce = useArrivals(t.queue.arrived);
  const { state = "open", category = "", assignee = "" } = place.filters;
  const queue = useQueue({ state, category: category || undefined, assignee: assignee || undefined }, ({ length }) => state === "open" && announce(length));
  const { items, more, loaded, failure } = queue;
  const opened = place.view === "report" ? place.id : undefined;

  useEffect(() => {
    document.title = state === "open" && loaded && items.length > 0 ? `(${items.length}${more ? "+" : ""}) ${t.sections.reports} – haggle` : `${t.sections.reports} – haggle`;
  });

  /** After a decision, the next one. @param {Report} decided */
  const onDecided = (decided) => {
    const here = items.findIndex(({ id }) => id === decided.id);
    const next = state === "open" ? (items[here + 1] ?? items[here - 1]) : undefined;
    queue.refresh();
    if (next && next.id !== decided.id) go({ view: "report", id: next.id, filters: place.filters });
  };

  return html`<div class="panes" data-detail=${opened === undefined ? undefined : ""}>
    <section class="pane queue" aria-labelledby="queue-title">
      <header class="pane-head">
        <h1 id="queue-title" tabindex="-1">${t.sections.reports}</h1>
        <${Filters} place=${place} state=${state} category=${category} assignee=${assignee} />
      </header>
      ${failure && html`<${Failure} failure=${failure} retry=${queue.refresh} />`}
      ${!loaded && !failure && html`<p class="notice" role="status">${t.loading}</p>`}
      ${loaded && items.length === 0 && html`<div class="empty"><p class="empty-title">${state === "open" ? t.queue.nothingOpen : t.queue.nothingDecided}</p>${state === "open" && html`<p>${t.queue.nothingHint}</p>`}</div>`}
      ${items.length > 0 && html`<ul class="list" aria-label=${t.queue.label(items.length, more)}>${items.map((report) => html`<${QueueRow} key=${report.id} report=${report} opened=${report.id === opened} filters=${place.filters} />`)}</ul>`}
      ${more && html`<p class="centred"><button type="button" class="button" onClick=${queue.loadMore}>${t.more}</button></p>`}
    </section>
    <section class="pane detail" aria-label=${t.report.pane}>
      ${opened === undefined
        ? html`<p class="empty">${t.queue.choose}</p>`
        : html`<${ReportView} key=${opened} id=${opened} filters=${place.filters} listed=${items.find(({ id }) => id === opened)} onDecided=${onDecided} onAssigned=${queue.refresh} />`}
    </section>
  </div>`;
}

/** @param {{place: Place, state: string, category: string, assignee: string}} props */
function Filters({ place, state, category, assignee }) {
  const { t } = useWords();
  /** @param {Record<string, string>} next */
  const choose = (next) => go({ view: "reports", filters: { ...place.filters, ...next } });
  return html`<div class="filters">
    <div class="segments" role="group" aria-label=${t.queue.state}>
      ${["open", "decided"].map((one) => html`<button type="button" aria-pressed=${String(one === state)} onClick=${() => choose({ state: one })}>${t.queue.states[one]}</button>`)}
    </div>
    <label class="select"><span class="visually-hidden">${t.queue.category}</span>
      <select value=${category} onChange=${(/** @type {any} */ event) => choose({ category: event.currentTarget.value })}>
        <option value="">${t.queue.allCategories}</option>
        ${CATEGORIES.map((one) => html`<option value=${one} selected=${one === category}>${t.categories[one]}</option>`)}
      </select>
    </label>
    <label class="select"><span class="visually-hidden">${t.queue.assignee}</span>
      <select value=${assignee} onChange=${(/** @type {any} */ event) => choose({ assignee: event.currentTarget.value })}>
        ${ASSIGNEES.map((one) => html`<option value=${one} selected=${one === assignee}>${t.queue.assignees[one]}</option>`)}
      </select>
    </label>
  </div>`;
}

/** @param {{report: Report, opened: boolean, filters: Record<string, string>}} props */
function QueueRow({ report, opened, filters }) {
  const { t, chat } = useWords();
  const { people } = useDesk();
  const { id, category, text, messages, messageId, reporterId, reportedId, createdAt, decision, assigneeId } = report;
  const message = messages.find((one) => one.id === messageId);
  const name = (/** @type {string} */ user) => named(people.get(user), chat.t)?.name ?? user;
  return html`<li>
    <a class="row queue-row" data-row=${id} href=${addressOf({ view: "report", id, filters })} aria-current=${opened ? "true" : undefined}>
      <span class="line"><span class="status status-${category}">${t.categories[category]}</span>${decision && html`<span class="status status-sold">${t.decisions[decision]}</span>`}${assigneeId && html`<${Assignee} id=${assigneeId} />`}<span class="soft end"><${Moment} at=${createdAt} short /></span></span>
      <span class="excerpt" dir="auto">${message ? describe(message, chat) : (text ?? t.report.aboutPerson)}</span>
      <span class="soft plain-line">${t.queue.who(name(reportedId), reporterId === reportedId ? t.backend : name(reporterId))}</span>
    </a>
  </li>`;
}
