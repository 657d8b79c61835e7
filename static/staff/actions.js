// @ts-check
import { BAN_SPANS, DECISION_SPANS, MUTE_SPANS } from "./spans.js";

/** @typedef {import("./action_dialog.js").Action} Action */
/** @typedef {import("./rest.js").StaffRest} Rest */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{id: string, name: string}} Person */

/*
 * What staff can do, as the dialogs that ask for it: one function for each action, wherever in the desk it is offered.
 * `then` is called when it is done.
 */

/** @param {Rest} rest @param {Words} t @param {Person} person @param {() => void} then @returns {Action} */
export const mute = (rest, t, { id, name }, then) => ({
  ...t.actions.mute(name),
  spans: MUTE_SPANS,
  run: ({ until, reason }) => rest.setSanction("mute", id, { until, reason }).then(then),
});

/** @param {Rest} rest @param {Words} t @param {Person} person @param {() => void} then @returns {Action} */
export const ban = (rest, t, { id, name }, then) => ({
  ...t.actions.ban(name),
  danger: true,
  spans: BAN_SPANS,
  run: ({ until, reason }) => rest.setSanction("ban", id, { until, reason }).then(then),
});

/** @param {Rest} rest @param {Words} t @param {"mute" | "ban"} kind @param {Person} person @param {() => void} then @returns {Action} */
export const endSanction = (rest, t, kind, { id, name }, then) => ({
  ...(kind === "mute" ? t.actions.unmute(name) : t.actions.unban(name)),
  reason: "optional",
  run: ({ reason }) => rest.endSanction(kind, id, reason).then(then),
});

/** @param {Rest} rest @param {Words} t @param {Person} person @returns {Action} */
export const endSessions = (rest, t, { id, name }) => ({ ...t.actions.endSessions(name), reason: "optional", run: ({ reason }) => rest.endSessions(id, reason) });

/** @param {Rest} rest @param {Words} t @param {Person} person @param {() => void} then @returns {Action} */
export const erase = (rest, t, { id, name }, then) => ({ ...t.actions.erase(name), danger: true, typed: id, run: ({ reason }) => rest.eraseUser(id, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} room @param {string} message @param {() => void} then @returns {Action} */
export const removeMessage = (rest, t, room, message, then) => ({
  ...t.actions.remove,
  danger: true,
  run: ({ reason }) => rest.removeMessage(room, message, reason).then(then),
});

/** @param {Rest} rest @param {Words} t @param {string} room @param {() => void} then @returns {Action} */
export const freeze = (rest, t, room, then) => ({ ...t.actions.freeze, run: ({ reason }) => rest.freezeRoom(room, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} room @param {() => void} then @returns {Action} */
export const unfreeze = (rest, t, room, then) => ({ ...t.actions.unfreeze, reason: "optional", run: ({ reason }) => rest.unfreezeRoom(room, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} room @param {() => void} then @returns {Action} */
export const endWait = (rest, t, room, then) => ({ ...t.actions.endWait, reason: "optional", run: ({ reason }) => rest.endWait(room, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} room @param {string} name under which one joins @param {() => void} then @returns {Action} */
export const join = (rest, t, room, name, then) => ({ ...t.actions.join(name), run: ({ reason }) => rest.joinRoom(room, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} room @param {() => void} then @returns {Action} */
export const leave = (rest, t, room, then) => ({ ...t.actions.leave, reason: "optional", run: ({ reason }) => rest.leaveRoom(room, reason).then(then) });

/**
 * @param {Rest} rest @param {Words} t @param {string} room
 * @param {Person[]} members the one first who is most likely meant
 * @param {() => void} then
 * @returns {Action}
 */
export const warn = (rest, t, room, members, then) => ({
  ...t.actions.warn,
  recipients: { label: t.warning.recipient, options: members.map(({ id, name }) => [id, name]) },
  choice: { label: t.warning.template, options: /** @type {[string, string][]} */ (Object.entries(t.warning.templates)) },
  run: ({ recipient, choice, reason }) => rest.warn(room, { userId: recipient, template: /** @type {any} */ (choice), reason }).then(then),
});

/** @param {Rest} rest @param {Words} t @param {string} product @param {(product: import("@haggle/client").Product) => void} then @returns {Action} */
export const takeDown = (rest, t, product, then) => ({ ...t.actions.takeDown, danger: true, run: ({ reason }) => rest.takeDown(product, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} product @param {(product: import("@haggle/client").Product) => void} then @returns {Action} */
export const putBack = (rest, t, product, then) => ({ ...t.actions.putBack, reason: "optional", run: ({ reason }) => rest.putBack(product, reason).then(then) });

/** @param {Rest} rest @param {Words} t @param {string} report @param {string} name of the reported person @param {(report: import("./rest.js").Report) => void} then @returns {Action} */
export const uphold = (rest, t, report, name, then) => ({
  ...t.actions.uphold(name),
  reason: "optional",
  spans: DECISION_SPANS,
  spansLabel: t.spans.muteThem(name),
  run: ({ until, reason }) => rest.decideReport(report, { decision: "upheld", muteUntil: until }, reason).then(then),
});

/** @param {Rest} rest @param {Words} t @param {string} report @param {(report: import("./rest.js").Report) => void} then @returns {Action} */
export const dismiss = (rest, t, report, then) => ({
  ...t.actions.dismiss,
  reason: "optional",
  run: ({ reason }) => rest.decideReport(report, { decision: "dismissed" }, reason).then(then),
});
