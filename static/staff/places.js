// @ts-check

/**
 * Where in the desk one is, kept in the address's fragment, so that a place can be opened in another tab and sent to a colleague.
 *
 * @typedef {object} Place
 * @property {View} view
 * @property {string} [id] of the report, person, conversation or product
 * @property {number} [seq] of the message that one came for
 * @property {Record<string, string>} filters
 * @typedef {"reports" | "report" | "person" | "conversation" | "product" | "search" | "sanctions" | "audit" | "operations" | "conversations"} View
 */

/** The views that the address names without an id. @type {View[]} */
export const SECTIONS = ["reports", "search", "sanctions", "audit", "operations", "conversations"];

/** By the first part of the address. @type {Record<string, View>} */
const OF_ONE = { reports: "report", people: "person", conversations: "conversation", products: "product" };

/** What the address may say of a view besides its id. */
const FILTERS = ["state", "category", "assignee", "actorId", "userId", "actions", "roomId", "list"];

/**
 * @param {string} hash
 * @returns {Place}
 */
export function readPlace(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name, id, seq] = path.split("/");
  const filters = Object.fromEntries([...new URLSearchParams(query)].filter(([name, value]) => FILTERS.includes(name) && value));
  if (id && Object.hasOwn(OF_ONE, name)) {
    return { view: OF_ONE[name], id: decoded(id), seq: /^\d{1,15}$/.test(seq ?? "") ? Number(seq) : undefined, filters };
  }
  const view = /** @type {View} */ (name);
  return { view: SECTIONS.includes(view) ? view : "reports", filters };
}

/** @param {string} part of an address, which anybody may have written */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {{view: View, id?: string, seq?: number, filters?: Record<string, string | undefined>}} place */
export function addressOf({ view, id, seq, filters = {} }) {
  const [name] = Object.entries(OF_ONE).find(([, one]) => one === view) ?? [view];
  const given = /** @type {[string, string][]} */ (Object.entries(filters).filter(([, value]) => value));
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  return `#/${name}${id === undefined ? "" : `/${encodeURIComponent(id)}`}${seq ? `/${seq}` : ""}${query}`;
}
