// @ts-check
import { useAttempt } from "../../components/ui/attempt.js";
import { named } from "../../components/ui/message_text.js";
import { html, useEffect, useRef, useState } from "../../components/ui/view.js";
import { ban, dismiss, mute, removeMessage, uphold, warn } from "../actions.js";
import { ConversationLink, Moment, PersonLink, ProductLink } from "../links.js";
import { Failure, isFailure, Loaded, useLoading } from "../loading.js";
import { MessageRow } from "../message_row.js";
import { go } from "../navigation.js";
import { addressOf } from "../places.js";
import { Notes } from "../notes.js";
import { useDesk, useWords } from "../words.js";

/** So much of the audit log is read for who has decided a report, in pages of 200 entries. */
const AUDIT_PAGES_MAX = 5;

/** @typedef {import("../rest.js").Report} Report */
/** @typedef {import("../rest.js").StaffRoom} StaffRoom */
/** @typedef {{report: Report, room?: StaffRoom, now?: import("../rest.js").StaffMessage, failure?: import("../../client/error.js").HaggleError}} Reading `now`: how the reported message stands; `failure`: why its room could not be read */

/**
 * One report with what was said around it, and what can be done about it.
 *
 * @param {{id: string, filters: Record<string, string>, listed?: Report, onDecided: (report: Report) => void, onAssigned: () => void}} props
 *   `listed`: as it is in the queue that is shown
 */
export function ReportView({ id, filters, listed, onDecided, onAssigned }) {
  const { t } = useWords();
  const { rest, know } = useDesk();
  const loading = useLoading(async () => {
    const report = await rest.getReport(id);
    // Without its room, whose members may be gone, the report is readable all the same.
    const read = Promise.all([rest.getRoom(report.roomId, t.report.readFor(id)), readNow(rest, report, t.report.readFor(id))]);
    const { room, now, failure } = await read.then(
      ([room, now]) => ({ room, now, failure: undefined }),
      (error) => {
        if (!isFailure(error)) throw error;
        return { room: undefined, now: undefined, failure: error.code === "not_found" ? undefined : error };
      },
    );
    if (room) know([room.buyer, room.seller]);
    return /** @type {Reading} */ ({ report, room, now, failure });
  }, [id]);

  // It has left the queue: a colleague has decided it.
  const wasListed = useRef(listed);
  useEffect(() => {
    if (wasListed.current && !listed) loading.reload();
    // A colleague has taken it, or given it back.
    else if (wasListed.current && listed && wasListed.current.assigneeId !== listed.assigneeId && loading.data) {
      loading.set({ ...loading.data, report: { ...loading.data.report, assigneeId: listed.assigneeId } });
    }
    wasListed.current = listed;
  }, [listed !== undefined, listed?.assigneeId]);

  const back = html`<a class="back-link" href=${addressOf({ view: "reports", filters })}>${t.queue.back}</a>`;
  return html`${back}<${Loaded} loading=${loading} of=${{ kind: "report", id }}>
    ${(/** @type {Reading} */ reading) => html`<${Opened} ...${reading} reload=${loading.reload} onDecided=${(/** @type {Report} */ decided) => (loading.set({ ...reading, report: decided }), onDecided(decided))} onAssigned=${(/** @type {Report} */ assigned) => (loading.set({ ...reading, report: assigned }), onAssigned())} />`}
  <//>`;
}

/** The reported message in the report, which keeps it as it stood. @param {Report} report */
function reportedIn({ messages, messageId, reporterId, reportedId }) {
  // Before it was sent: it is the sender's report of themselves, and there is no such message.
  return reporterId === reportedId ? undefined : messages.find((one) => one.id === messageId);
}

/**
 * The reported message as it stands in its conversation.
 *
 * @param {import("../rest.js").StaffRest} rest
 * @param {Report} report
 * @param {string} reason
 */
async function readNow(rest, report, reason) {
  const reported = reportedIn(report);
  if (!reported) return undefined;
  const { items } = await rest.listMessages(report.roomId, { after: reported.seq - 1, limit: 1, reason });
  return items.find(({ id }) => id === reported.id);
}

/** @param {Reading & {reload: () => void, onDecided: (report: Report) => void, onAssigned: (report: Report) => void}} props */
function Opened({ report, room, now, failure, reload, onDecided, onAssigned }) {
  const { t, chat, moment } = useWords();
  const { people } = useDesk();
  const { id, category, text, messages, messageId, reporterId, reportedId, roomId, createdAt } = report;
  const personOf = (/** @type {string} */ id) => ({ id, name: named(people.get(id), chat.t)?.name ?? id });
  const [reporter, reported] = [personOf(reporterId), personOf(reportedId)];
  const held = reporterId === reportedId;
  const message = reportedIn(report);
  const { mutedUntil } = room?.members.find(({ userId }) => userId === reportedId) ?? {};
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  // From the list, somebody goes on with what they have opened; not so on a page that was only loaded.
  useEffect(() => void (document.activeElement !== document.body && !document.activeElement?.matches("main input, main textarea") && heading.current?.focus()), []);

  return html`<article class="report" aria-labelledby="report-title">
    <h1 id="report-title" tabindex="-1" ref=${heading}>${t.report.title(t.categories[category], reported.name)}</h1>
    <${Standing} report=${report} />
    ${report.state === "decided" && html`<${Decision} key=${report.decidedAt} report=${report} />`}
    <dl class="facts">
      <div><dt>${t.report.by}</dt><dd>${held ? t.backend : html`<${PersonLink} id=${reporterId} />`}</dd></div>
      <div><dt>${t.report.about}</dt><dd><${PersonLink} id=${reportedId} />${mutedUntil && html` <span class="status status-reserved">${t.mutedUntil(moment(mutedUntil))}</span>`}</dd></div>
      ${room?.product && html`<div><dt>${t.product.title}</dt><dd><${ProductLink} id=${room.product.id} title=${room.product.title} /></dd></div>`}
      <div><dt>${t.report.at}</dt><dd><${Moment} at=${createdAt} /></dd></div>
    </dl>
    ${failure && html`<${Failure} failure=${failure} retry=${reload} />`}
    ${text && html`<blockquote class="quote" dir="auto">${text}</blockquote>`}
    <${Actions} report=${report} room=${room} now=${now} reporter=${reporter} reported=${reported} reload=${reload} onDecided=${onDecided} onAssigned=${onAssigned} />
    <h2>${t.report.around}</h2>
    <p class="soft">${t.report.aroundHint} <${ConversationLink} id=${roomId} seq=${message?.seq}>${t.report.openConversation}<//></p>
    ${messages.length === 0
      ? html`<p class="soft">${t.report.noMessages}</p>`
      : html`<ol class="messages" aria-label=${t.report.around}>${messages.map((one) => html`<${MessageRow} key=${one.id} message=${one} name=${personOf(one.senderId).name} side=${one.senderId === reportedId ? "start" : "end"} marked=${one.id === messageId ? t.report.reported : undefined} now=${one.id === now?.id ? now : undefined} />`)}</ol>`}
    <${Notes} about="reports" id=${id} />
  </article>`;
}

/** How it stands. @param {{report: Report}} props */
function Standing({ report: { state, decision, decidedAt, muteUntil, assigneeId } }) {
  const { t, moment } = useWords();
  const assignee = assigneeId && html`<${Assignee} id=${assigneeId} />`;
  if (state === "open" || !decision) return html`<p class="line"><span class="status status-reserved">${t.queue.states.open}</span>${assignee}</p>`;
  return html`<p class="line"><span class="status status-sold">${t.decisions[decision]}</span>
    ${decidedAt && html`<span class="soft"><${Moment} at=${decidedAt} /></span>`}
    ${muteUntil && html`<span class="soft">${t.mutedUntil(moment(muteUntil))}</span>`}
    ${assignee}
  </p>`;
}

/** Who has decided it and why, which the audit log knows: read by those who want to know it, since reading is an entry. @param {{report: Report}} props */
function Decision({ report: { id, reportedId } }) {
  const { t, moderator, failureText } = useWords();
  const { rest } = useDesk();
  const [found, setFound] = useState(/** @type {import("../rest.js").AuditEntry | undefined} */ (undefined));
  const [isLooked, setLooked] = useState(false);
  const { busy, failure, attempt } = useAttempt();
  const look = () =>
    attempt(async () => {
      /** @type {string | undefined} */
      let cursor;
      for (let page = 0; page < AUDIT_PAGES_MAX; page += 1) {
        const { items, nextCursor } = await rest.listAudit({ userId: reportedId, actions: "true", limit: 200 }, cursor);
        const entry = items.find(({ action, reportId }) => action === "decide_report" && reportId === id);
        if (entry) return setFound(entry);
        if (!(cursor = nextCursor)) break;
      }
    }).then(setLooked);
  if (found) return html`<p><bdi>${moderator(found.by)}</bdi>: <span dir="auto">${found.reason ?? t.report.noReason}</span></p>`;
  return html`<p class="line">
    ${isLooked ? html`<span class="soft">${t.report.deciderUnknown}</span>` : html`<button type="button" class="text-button" aria-disabled=${busy} onClick=${look}>${t.report.whoDecided}</button>`}
    ${failure && html`<span class="form-failure" role="alert">${failureText(failure)}</span>`}
  </p>`;
}

/** Who looks after a report. @param {{id: string}} props */
export function Assignee({ id }) {
  const { t, chat } = useWords();
  const { me, people } = useDesk();
  return html`<span class="status">${id === me.id ? t.report.assignedToYou : t.report.assignedTo(named(people.get(id), chat.t)?.name ?? id)}</span>`;
}

/**
 * @param {{report: Report, room?: StaffRoom, now?: import("../rest.js").StaffMessage, reporter: {id: string, name: string}, reported: {id: string, name: string},
 *   reload: () => void, onDecided: (report: Report) => void, onAssigned: (report: Report) => void}} props
 */
function Actions({ report, room, now, reporter, reported, reload, onDecided, onAssigned }) {
  const { t, failureText } = useWords();
  const { rest, ask: askOf, me, say } = useDesk();
  const ask = (/** @type {import("../action_dialog.js").Action} */ action) => askOf({ ...action, about: report.id });
  const isMine = report.assigneeId === me.id;
  const assign = async () => {
    try {
      onAssigned(await rest.assignReport(report.id, isMine ? null : "me"));
      say(isMine ? t.report.givenBack : t.report.taken);
    } catch (error) {
      if (!isFailure(error)) throw error;
      say(failureText(error));
    }
  };
  const { id, roomId, state, reporterId, reportedId } = report;
  const held = reporterId === reportedId;
  const message = reportedIn(report);
  const canRemove = message && !now?.deletedAt && message.kind !== "offer" && message.kind !== "system";
  return html`<div class="actions" role="group" aria-label=${t.report.decide}>
    <button type="button" class="button button-primary" aria-keyshortcuts="u" onClick=${() => ask(uphold(rest, t, id, reported.name, onDecided))}>${state === "open" ? t.report.uphold : t.report.upholdAgain}</button>
    <button type="button" class="button" aria-keyshortcuts="d" onClick=${() => ask(dismiss(rest, t, id, onDecided))}>${state === "open" ? t.report.dismiss : t.report.dismissAgain}</button>
    <button type="button" class="button" aria-keyshortcuts="t" onClick=${assign}>${isMine ? t.report.giveBack : report.assigneeId ? t.report.takeOver : t.report.take}</button>
    ${canRemove && html`<button type="button" class="button" aria-keyshortcuts="x" onClick=${() => ask(removeMessage(rest, t, roomId, message.id, reload))}>${t.message.removeIt}</button>`}
    <button type="button" class="button" aria-keyshortcuts="m" onClick=${() => ask(mute(rest, t, reported, reload))}>${t.person.mute}</button>
    <button type="button" class="button" aria-keyshortcuts="b" onClick=${() => ask(ban(rest, t, reported, () => {}))}>${t.person.ban}</button>
    ${room && html`<button type="button" class="button" aria-keyshortcuts="w" onClick=${() => ask(warn(rest, t, roomId, held ? [reported] : [reporter, reported], () => {}))}>${t.conversation.warn}</button>`}
    <button type="button" class="button" aria-keyshortcuts="c" onClick=${() => go({ view: "conversation", id: roomId, seq: message?.seq })}>${t.report.openConversation}</button>
    <button type="button" class="button" aria-keyshortcuts="p" onClick=${() => go({ view: "person", id: reported.id })}>${t.report.openPerson}</button>
  </div>`;
}
