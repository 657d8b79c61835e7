// @ts-check
import { ConfirmDialog, Dialog } from "../components/ui/dialog.js";
import { html, useEffect, useMemo, useRef, useState } from "../components/ui/view.js";
import { LanguageSwitch, Logo } from "../ui/sign_in.js";
import { ActionDialog } from "./action_dialog.js";
import { areKeysOn, setKeysOn, useKeys } from "./keys.js";
import { go, goUp, usePlace } from "./navigation.js";
import { addressOf, SECTIONS } from "./places.js";
import { Samples } from "./samples.js";
import { AuditView } from "./views/audit.js";
import { ConversationView } from "./views/conversation.js";
import { ConversationsView } from "./views/conversations.js";
import { OperationsView } from "./views/operations.js";
import { PersonView } from "./views/person.js";
import { ProductView } from "./views/product.js";
import { ReportsView } from "./views/reports.js";
import { SanctionsView } from "./views/sanctions.js";
import { SearchView } from "./views/search.js";
import { DeskContext, useWords } from "./words.js";

/** How long a result stays in sight. */
const SAID_MS = 3_000;

const VIEWS = {
  reports: ReportsView,
  report: ReportsView,
  person: PersonView,
  conversation: ConversationView,
  conversations: ConversationsView,
  product: ProductView,
  search: SearchView,
  sanctions: SanctionsView,
  audit: AuditView,
  operations: OperationsView,
};

/**
 * The desk of somebody who is signed in.
 *
 * @param {{rest: import("./rest.js").StaffRest, me: import("./token.js").Holder, leave: () => void}} props
 */
export function Desk({ rest, me, leave }) {
  const place = usePlace();
  const [said, setSaid] = useState("");
  const [asked, setAsked] = useState(/** @type {import("./action_dialog.js").Action | undefined} */ (undefined));
  const [helps, setHelps] = useState(false);
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  /** Whether somebody goes to the search to write there. */
  const seeksField = useRef(false);

  const [people, setPeople] = useState(/** @type {Map<string, import("@haggle/client").User>} */ (new Map()));
  const latest = useRef(people);
  const know = (/** @type {import("@haggle/client").User[]} */ users) => {
    if (users.every(({ id, name }) => latest.current.get(id)?.name === name)) return;
    latest.current = new Map([...latest.current, ...users.map((user) => /** @type {const} */ ([user.id, user]))]);
    setPeople(latest.current);
  };
  const lastSearch = useRef(/** @type {import("./words.js").DeskTools["lastSearch"]["current"]} */ (undefined));
  const [samples] = useState(() => new Samples());
  const [lastReasons] = useState(() => /** @type {Map<string, string>} */ (new Map()));
  const tools = useMemo(() => ({ rest, me, lastSearch, lastReasons, samples, said, say: setSaid, ask: setAsked, people, know }), [rest, me.id, people, said]);
  useEffect(() => {
    if (!said) return;
    const end = () => setSaid("");
    const timer = setTimeout(end, SAID_MS);
    // What somebody does next is not about it any more.
    for (const event of ["keydown", "pointerdown"]) addEventListener(event, end, true);
    return () => {
      clearTimeout(timer);
      for (const event of ["keydown", "pointerdown"]) removeEventListener(event, end, true);
    };
  }, [said]);

  useKeys({
    search() {
      if (place.view === "search") return seekWords();
      seeksField.current = true;
      go({ view: "search" });
    },
    help: () => setHelps(true),
    up: () => goUp(place),
    section: (index) => go({ view: SECTIONS[index] }),
  });
  useFocusOnArrival(main, place, seeksField);

  const View = VIEWS[place.view];
  return html`<${DeskContext.Provider} value=${tools}>
    <div class="desk">
      <${TopBar} place=${place} me=${me} leave=${leave} help=${() => setHelps(true)} />
      <main tabindex="-1" ref=${main}><${View} key=${View === ReportsView ? "reports" : `${place.view} ${place.id}`} place=${place} /></main>
      <p class="said" role="status">${said}</p>
    </div>
    ${asked && html`<${ActionDialog} action=${asked} onClose=${() => setAsked(undefined)} />`}
    ${helps && html`<${KeysDialog} onClose=${() => setHelps(false)} />`}
  <//>`;
}

/**
 * Somebody who goes to another view arrives at its heading; on the way back from a report, at its row.
 *
 * @param {{current: HTMLElement | null}} main
 * @param {import("./places.js").Place} place
 * @param {{current: boolean}} seeksField
 */
function useFocusOnArrival(main, { view, id }, seeksField) {
  const before = useRef(`${view} ${id}`);
  const reportBefore = useRef(id);
  useEffect(() => {
    const now = `${view} ${id}`;
    if (now === before.current) return;
    before.current = now;
    const row = view === "reports" && reportBefore.current ? document.querySelector(`[data-row="${CSS.escape(reportBefore.current)}"]`) : undefined;
    reportBefore.current = id;
    if (seeksField.current) {
      seeksField.current = false;
      return seekWords();
    }
    const heading = document.querySelector(view === "report" ? ".detail h1" : "main h1");
    const target = /** @type {HTMLElement | null} */ (row ?? heading) ?? main.current;
    target?.focus();
  }, [view, id]);
}

/** To the field for words, where the next ones take the place of the old ones. */
function seekWords() {
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById("search-words"));
  field?.focus();
  field?.select();
}

/** @param {{place: import("./places.js").Place, me: import("./token.js").Holder, leave: () => void, help: () => void}} props */
function TopBar({ place, me, leave, help }) {
  const { t } = useWords();
  const [leaves, setLeaves] = useState(false);
  const current = place.view === "report" ? "reports" : place.view;
  return html`<header class="topbar">
    <p class="brand"><${Logo} /><span>haggle</span></p>
    <nav aria-label=${t.desk}>
      ${SECTIONS.map((view) => html`<a href=${addressOf({ view })} aria-current=${view === current ? "page" : undefined}>${t.sections[view]}</a>`)}
    </nav>
    <div class="topbar-end">
      <span class="me"><bdi>${me.name || me.id}</bdi></span>
      <button type="button" class="icon-button" aria-label=${t.keys.title} aria-haspopup="dialog" onClick=${help}><span aria-hidden="true">?</span></button>
      <${LanguageSwitch} />
      <button type="button" class="button" onClick=${() => setLeaves(true)}>${t.signOut}</button>
    </div>
    ${leaves && html`<${ConfirmDialog} title=${t.signOutTitle} text=${t.signOutText} action=${t.signOut} run=${async () => leave()} onClose=${() => setLeaves(false)} />`}
  </header>`;
}

/** The keys, and the switch for those who want none. @param {{onClose: () => void}} props */
function KeysDialog({ onClose }) {
  const { t } = useWords();
  const [on, setOn] = useState(areKeysOn);
  return html`<${Dialog} title=${t.keys.title} onClose=${onClose}>
    ${() => html`
      <dl class="keys">
        ${t.keys.list.map(([keys, what]) => html`<div><dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${what}</dd></div>`)}
      </dl>
      <label class="switch">
        <span>${t.keys.single}</span>
        <input type="checkbox" role="switch" checked=${on} onChange=${(/** @type {any} */ event) => (setKeysOn(event.currentTarget.checked), setOn(event.currentTarget.checked))} />
      </label>
      <p class="form-hint">${t.keys.singleHint}</p>
    `}
  <//>`;
}
