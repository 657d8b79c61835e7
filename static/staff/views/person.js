// @ts-check
import { Avatar } from "../../components/ui/avatar.js";
import { describe, named } from "../../components/ui/message_text.js";
import { html, useEffect, useRef } from "../../components/ui/view.js";
import { ban, endSanction, endSessions, erase, mute } from "../actions.js";
import { Moment } from "../links.js";
import { Loaded, PagedList, useLoading, usePages } from "../loading.js";
import { addressOf } from "../places.js";
import { Notes } from "../notes.js";
import { useDesk, useWords } from "../words.js";

/** @typedef {import("../rest.js").UserDetails} UserDetails */
/** @typedef {import("../rest.js").Report} Report */

/** A person and their history. @param {{place: import("../places.js").Place}} props */
export function PersonView({ place: { id = "" } }) {
  const { t, chat } = useWords();
  const { rest, know } = useDesk();
  const loading = useLoading(async () => {
    const person = await rest.getUser(id);
    know([person]);
    return person;
  }, [id]);
  useEffect(() => void (loading.failure?.code !== "not_found" && (document.title = `${named(loading.data, chat.t)?.name ?? t.person.title} – haggle`)));
  return html`<div class="page">
    <${Loaded} loading=${loading} of=${{ kind: "person", id }}>
      ${(/** @type {UserDetails} */ person) => html`
        <${Head} person=${person} />
        <${Actions} person=${person} reload=${loading.reload} />
        <div class="columns">
          <${Reports} title=${t.person.reportsAbout} empty=${t.person.noReportsAbout} filter=${{ reportedId: id }} key=${`about ${person.deletedAt}`} />
          <${Reports} title=${t.person.reportsBy} empty=${t.person.noReportsBy} filter=${{ reporterId: id }} key=${`by ${person.deletedAt}`} />
        </div>
        <${Rooms} key=${`rooms ${person.deletedAt}`} id=${id} title=${t.person.rooms} empty=${t.person.noRooms} />
        <${Rooms} key=${`archived ${person.deletedAt}`} id=${id} archived="true" title=${t.person.archived} empty=${t.person.noArchived} />
        ${!person.deletedAt && html`<${Notes} about="users" id=${id} />`}
      `}
    <//>
  </div>`;
}

/** @param {{person: UserDetails}} props */
function Head({ person }) {
  const { t, chat, moment } = useWords();
  const { id, createdAt, updatedAt, deletedAt, mutedUntil, banned, bannedUntil } = person;
  const { name } = named(person, chat.t);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  return html`
    <header class="person-head">
      <${Avatar} user=${{ ...person, name }} size="m" />
      <h1 tabindex="-1" ref=${heading}><bdi>${name}</bdi></h1>
      ${banned && html`<span class="status status-scam">${bannedUntil ? t.bannedUntil(moment(bannedUntil)) : t.banned}</span>`}
      ${mutedUntil && html`<span class="status status-reserved">${t.mutedUntil(moment(mutedUntil))}</span>`}
      ${deletedAt && html`<span class="status status-sold">${t.person.erased(moment(deletedAt))}</span>`}
    </header>
    <dl class="facts">
      <div><dt>${t.person.id}</dt><dd><code>${id}</code></dd></div>
      ${createdAt && html`<div><dt>${t.person.since}</dt><dd><${Moment} at=${createdAt} /></dd></div>`}
      ${updatedAt && html`<div><dt>${t.person.changed}</dt><dd><${Moment} at=${updatedAt} /></dd></div>`}
    </dl>
  `;
}

/** @param {{person: UserDetails, reload: () => Promise<void>}} props */
function Actions({ person, reload }) {
  const { t } = useWords();
  const { rest, ask } = useDesk();
  const { id, mutedUntil, banned, deletedAt } = person;
  const audit = html`<a class="button" href=${addressOf({ view: "audit", filters: { userId: id, actions: "true" } })}>${t.person.done}</a>
    <a class="button" href=${addressOf({ view: "audit", filters: { userId: id } })}>${t.audit.about}</a>`;
  if (deletedAt) return html`<div class="actions">${audit}</div>`;
  return html`<div class="actions" role="group" aria-label=${t.person.actions}>
    ${mutedUntil && html`<button type="button" class="button" onClick=${() => ask(endSanction(rest, t, "mute", person, reload))}>${t.person.unmute}</button>`}
    <button type="button" class="button" aria-keyshortcuts="m" onClick=${() => ask(mute(rest, t, person, reload))}>${mutedUntil ? t.person.muteAgain : t.person.mute}</button>
    ${banned
      ? html`<button type="button" class="button" aria-keyshortcuts="b" onClick=${() => ask(endSanction(rest, t, "ban", person, reload))}>${t.person.unban}</button>`
      : html`<button type="button" class="button" aria-keyshortcuts="b" onClick=${() => ask(ban(rest, t, person, reload))}>${t.person.ban}</button>`}
    <button type="button" class="button" onClick=${() => ask(endSessions(rest, t, person))}>${t.person.endSessions}</button>
    <button type="button" class="button" onClick=${() => ask({ ...t.actions.export(person.name), reason: "none", run: async () => download(await rest.exportUser(id), `${id}.ndjson`), done: t.actions.export(person.name).done })}>${t.person.export}</button>
    ${audit}
    <button type="button" class="button button-quiet-danger" onClick=${() => ask(erase(rest, t, person, reload))}>${t.person.erase}</button>
  </div>`;
}

/** @param {Blob} file @param {string} name */
function download(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * A page of those that wait, and after the last of them of those that were decided. Its cursor names the list in which it goes on.
 *
 * @param {import("../rest.js").StaffRest} rest
 * @param {Record<string, string>} filter
 * @param {string} [at]
 * @returns {Promise<import("@haggle/client").Page<Report>>}
 */
async function listReports(rest, filter, at = "open ") {
  const [state] = at.split(" ", 1);
  const cursor = at.slice(state.length + 1);
  // Without a tag, there is always an answer.
  const { page } = /** @type {{page: import("@haggle/client").Page<Report>}} */ (await rest.listReports({ ...filter, state, cursor }));
  if (page.nextCursor !== undefined) return { items: page.items, nextCursor: `${state} ${page.nextCursor}` };
  if (state === "decided") return { items: page.items };
  const decided = await listReports(rest, filter, "decided ");
  return { ...decided, items: [...page.items, ...decided.items] };
}

/** Those that wait and those that were decided. @param {{title: string, empty: string, filter: Record<string, string>}} props */
function Reports({ title, empty, filter }) {
  const { t } = useWords();
  const { rest } = useDesk();
  const pages = usePages((cursor) => listReports(rest, filter, cursor), [JSON.stringify(filter)]);
  return html`<section aria-label=${title}>
    <h2>${title}</h2>
    <${PagedList} pages=${pages} empty=${empty} label=${title}>
      ${(/** @type {Report} */ { id, category, createdAt, state, decision, text }) => html`<li key=${id}>
        <a class="row" data-row=${id} href=${addressOf({ view: "report", id, filters: { state } })}>
          <span class="line"><span class="status status-${category}">${t.categories[category]}</span><span class="status ${decision ? "status-sold" : "status-reserved"}">${decision ? t.decisions[decision] : t.queue.states.open}</span><span class="soft end"><${Moment} at=${createdAt} short /></span></span>
          ${text && html`<span class="excerpt" dir="auto">${text}</span>`}
        </a>
      </li>`}
    <//>
  </section>`;
}

/** @param {{id: string, archived?: "true", title: string, empty: string}} props */
function Rooms({ id, archived, title, empty }) {
  const { t, chat } = useWords();
  const { rest } = useDesk();
  const pages = usePages((cursor) => rest.listUserRooms(id, { archived, cursor }), [id, archived]);
  return html`<section aria-label=${title}>
    <h2>${title}</h2>
    <${PagedList} pages=${pages} empty=${empty} label=${title}>
      ${(/** @type {import("@haggle/client").InboxItem} */ { id: room, product, other, lastMessage, createdAt, frozen }) => html`<li key=${room}>
        <a class="row" data-row=${room} href=${addressOf({ view: "conversation", id: room })}>
          <span class="line"><strong><bdi>${named(other, chat.t).name}</bdi></strong>${product && html`<span class="soft plain-line"><bdi>${product.title}</bdi></span>`}${frozen && html`<span class="status status-scam">${t.conversation.frozen}</span>`}<span class="soft end"><${Moment} at=${lastMessage?.sentAt ?? createdAt} short /></span></span>
          <span class="excerpt" dir="auto">${lastMessage ? describe(lastMessage, chat) : chat.t.noMessages}</span>
        </a>
      </li>`}
    <//>
  </section>`;
}
