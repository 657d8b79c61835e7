// @ts-check
import { named } from "../../components/ui/message_text.js";
import { html, useEffect } from "../../components/ui/view.js";
import { endSanction } from "../actions.js";
import { Moment, PersonLink } from "../links.js";
import { PagedList, usePages } from "../loading.js";
import { useDesk, useWords } from "../words.js";

/** Who is muted and who is banned now. */
export function SanctionsView() {
  const { t } = useWords();
  useEffect(() => void (document.title = `${t.sections.sanctions} – haggle`));
  return html`<div class="page">
    <h1 tabindex="-1">${t.sections.sanctions}</h1>
    <div class="columns">
      <${Sanctions} kind="mute" />
      <${Sanctions} kind="ban" />
    </div>
  </div>`;
}

/** @param {{kind: "mute" | "ban"}} props */
function Sanctions({ kind }) {
  const { t, chat, moment, moderator } = useWords();
  const { rest, ask } = useDesk();
  const lists = /** @type {const} */ ({ mute: "mutes", ban: "bans" });
  const pages = usePages((cursor) => rest.listSanctions(lists[kind], cursor), [kind]);
  const title = t.sanctions[lists[kind]];
  return html`<section aria-label=${title}>
    <h2>${title}</h2>
    <${PagedList} pages=${pages} empty=${t.sanctions.none[kind]} label=${title}>
      ${(/** @type {import("../rest.js").Sanction} */ { user, until, reason, by, createdAt }) => html`<li class="row sanction" key=${user.id} data-row=${user.id} tabindex="-1">
        <span class="line"><strong><${PersonLink} id=${user.id} user=${user} /></strong><span class="soft end">${until ? t.until(moment(until)) : t.noEnd}</span></span>
        <span class="excerpt" dir="auto">${reason ?? t.sanctions.byReport}</span>
        <span class="line">${by && html`<span class="soft"><bdi>${moderator(by)}</bdi>${createdAt && html`, <${Moment} at=${createdAt} />`}</span>`}
          <button type="button" class="text-button end" aria-keyshortcuts="x" onClick=${() => ask(endSanction(rest, t, kind, named(user, chat.t), pages.reload))}>${kind === "mute" ? t.person.unmute : t.person.unban}</button></span>
      </li>`}
    <//>
  </section>`;
}
