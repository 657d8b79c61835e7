// @ts-check
import { failureText, useAttempt } from "./attempt.js";
import { InboxRow } from "./inbox_row.js";
import { HostContext } from "./host.js";
import { useLanguage } from "./language.js";
import { html, useContext, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Inbox} Inbox */
/** @typedef {import("@haggle/client").InboxItem} InboxItem */
/** @typedef {keyof typeof FILTERS} Filter */

const FILTERS = {
  all: () => true,
  buying: (/** @type {InboxItem} */ { buyer }, /** @type {string} */ userId) => buyer.id === userId,
  selling: (/** @type {InboxItem} */ { seller }, /** @type {string} */ userId) => seller.id === userId,
  unread: (/** @type {InboxItem} */ { unread, settings }) => unread > 0 || settings?.unread,
  // A list of its own.
  archived: () => true,
};

/** The server lists all rooms alike: further pages are read until so many are found, or so many pages were read. */
const SCREENFUL = 12;
const PAGES_MAX = 10;

/**
 * One's own conversations, pinned ones first, then latest activity first: all of them, or some.
 *
 * @param {{inbox: Inbox, rest: import("@haggle/client").Rest, user: {id: string}, openRoomId?: string}} props
 */
export function InboxList({ inbox, rest, user, openRoomId }) {
  const { t } = useLanguage();
  const [filter, setFilter] = useState(/** @type {Filter} */ ("all"));
  const items = useFiltered(inbox, filter, user.id, openRoomId);
  const isArchive = filter === "archived";
  const hasMore = isArchive ? inbox.hasMoreArchived : inbox.hasMore;
  const loadMore = () => (isArchive ? inbox.loadArchived() : inbox.loadMore());
  const isReading = useScreenful({ hasMore, loadMore }, items.length, filter);
  const { busy, failure, attempt } = useAttempt();
  const { adopt } = useContext(HostContext);
  const [menus, setMenus] = useState(/** @type {typeof import("./room_menu.js") | undefined} */ (undefined));
  // The list stands before its menus have come.
  useEffect(() => void import("./room_menu.js").then(setMenus), []);
  if (menus) adopt(menus.sheets);
  const isEmpty = inbox.items.length === 0 && inbox.archived.length === 0;
  // Somebody who has archived everything gets to it.
  useEffect(() => void (inbox.loaded && isEmpty && inbox.loadArchived().catch(() => {})), [inbox.loaded, isEmpty]);

  if (isEmpty && !isArchive) return inbox.loaded ? html`<${NoChats} />` : html`<${InboxSkeleton} />`;
  return html`<${Filters} filter=${filter} choose=${setFilter} />
    ${failure && html`<p class="notice form-failure" role="alert">${failureText(failure, t)}</p>`}
    ${items.length > 0
      ? html`<ul class="inbox-list">
          ${items.map((item) => html`<${InboxRow} key=${item.id} item=${item} user=${user} current=${item.id === openRoomId} state=${inbox.deliveryOf(item)} menu=${menus && ((/** @type {string} */ name) => html`<${menus.RowMenu} inbox=${inbox} rest=${rest} attempt=${attempt} item=${item} name=${name} isOpen=${item.id === openRoomId} />`)} />`)}
          ${hasMore &&
          html`<li class="inbox-more">
            <button type="button" class="button" aria-disabled=${String(busy || isReading)} onClick=${() => attempt(loadMore)}>${t.more}</button>
          </li>`}
        </ul>`
      : isReading
        ? html`<${InboxSkeleton} />`
        : html`<div class="empty" role="status">
            <p class="empty-title">${t.filters.empty[filter]}</p>
            <p>${t.filters.emptyHint[filter]}</p>
          </div>`}`;
}

function NoChats() {
  const { t } = useLanguage();
  return html`<div class="empty">
    <p class="empty-title">${t.noChats}</p>
    <slot name="empty"><p>${t.noChatsHint}</p></slot>
  </div>`;
}

/** @param {{filter: Filter, choose: (filter: Filter) => void}} props */
function Filters({ filter, choose }) {
  const { t } = useLanguage();
  return html`<fieldset class="filters">
    <legend class="visually-hidden">${t.filters.show}</legend>
    ${/** @type {Filter[]} */ (Object.keys(FILTERS)).map(
      (name) => html`<label class="filter" key=${name}>
        <input type="radio" name="filter" value=${name} checked=${name === filter} onChange=${() => choose(name)} />
        <span>${t.filters[name]}</span>
      </label>`,
    )}
  </fieldset>`;
}

/** Rows that are about to come. */
export function InboxSkeleton() {
  const { t } = useLanguage();
  return html`<div class="inbox-skeleton">
    <p class="visually-hidden" role="status">${t.loading}</p>
    ${[1, 2, 3, 4, 5].map((row) => html`<div class="skeleton-row" key=${row}><span></span><span></span><span></span></div>`)}
  </div>`;
}

/**
 * What passes a filter. A conversation that was opened as an unread one stays where it is while it is open.
 *
 * @param {Inbox} inbox
 * @param {Filter} filter
 * @param {string} userId
 * @param {string} [openRoomId]
 */
function useFiltered(inbox, filter, userId, openRoomId) {
  const openedUnread = useRef("");
  const items = inbox[filter === "archived" ? "archived" : "items"].filter((item) => {
    const passes = FILTERS[filter](item, userId);
    if (passes && item.id === openRoomId && filter === "unread") openedUnread.current = item.id;
    return passes || (filter === "unread" && item.id === openRoomId && item.id === openedUnread.current);
  });
  useEffect(() => void (openedUnread.current = ""), [filter]);
  return items;
}

/**
 * Reads further pages for as long as too little was found in them.
 *
 * @param {{hasMore: boolean, loadMore: () => Promise<void>}} inbox
 * @param {number} found
 * @param {string} wanted what is looked for: something else starts again
 * @returns {boolean} whether a page is under way
 */
export function useScreenful(inbox, found, wanted) {
  const [read, setRead] = useState({ wanted, pages: 0, failed: false });
  const { pages, failed } = read.wanted === wanted ? read : { pages: 0, failed: false };
  const isReading = inbox.hasMore && found < SCREENFUL && pages < PAGES_MAX && !failed;
  useEffect(() => {
    if (!isReading) return;
    let left = false;
    const done = (/** @type {boolean} */ failed) => left || setRead({ wanted, pages: pages + 1, failed });
    inbox.loadMore().then(() => done(false), () => done(true));
    return () => void (left = true);
  }, [isReading, pages, wanted]);
  return isReading;
}
