// @ts-check

/** @typedef {import("./rest.js").StaffRoom} StaffRoom */
/** @typedef {import("./rest.js").StaffMessage} StaffMessage */

/**
 * What has come over the connection to a conversation, in addition to what was read. A page that is read later may know more or
 * less than this: of each message the newer state counts.
 */
export class Heard {
  /** By `seq`. @type {Map<number, StaffMessage>} */ #messages = new Map();
  /** By user. @type {Map<string, number>} */ #readSeqs = new Map();

  /**
   * Takes a message as it now stands.
   *
   * @param {StaffMessage} message
   * @param {readonly StaffMessage[]} shown with what staff has been shown of it so far
   */
  take(message, shown) {
    const before = this.#messages.get(message.seq) ?? shown.find(({ seq }) => seq === message.seq);
    if (!before || isNewer(message, before)) this.#messages.set(message.seq, before ? changed(message, before) : message);
  }

  /** Somebody has read up to a message. @param {string} userId @param {number} seq */
  takeRead(userId, seq) {
    this.#readSeqs.set(userId, Math.max(seq, this.#readSeqs.get(userId) ?? 0));
  }

  /**
   * The conversation with what was heard. New messages follow where the end of the conversation is shown, and never leave a hole.
   *
   * @param {{room: StaffRoom, messages: StaffMessage[]}} read
   * @returns {{room: StaffRoom, messages: StaffMessage[]}}
   */
  addTo({ room, messages }) {
    const all = messages.map((message) => {
      const heard = this.#messages.get(message.seq);
      return heard && isNewer(heard, message) ? heard : message;
    });
    let last = all.at(-1)?.seq ?? 0;
    const isAtEnd = last >= room.lastSeq;
    for (let next; isAtEnd && (next = this.#messages.get(last + 1)); last += 1) all.push(next);
    const lastSeq = isAtEnd ? last : Math.max(room.lastSeq, ...this.#messages.keys());
    const members = room.members.map((member) => ({ ...member, readSeq: Math.max(member.readSeq, this.#readSeqs.get(member.userId) ?? 0) }));
    const later = [...this.#messages.values()].filter(({ seq }) => seq > room.lastSeq).sort((a, b) => a.seq - b.seq);
    const offers = all.filter(({ kind, seq }) => kind === "offer" && this.#messages.has(seq));
    return { room: { ...room, members, lastSeq, staff: staffAfter(room.staff, later), offer: offerAfter(room.offer, offers) }, messages: all };
  }
}

/** RFC 3339 in UTC with milliseconds sorts as text. @param {StaffMessage} message @returns {string} */
const changedAt = ({ editedAt, kind, data }) => editedAt ?? (kind === "offer" ? data?.statusAt : undefined) ?? "";

/** @param {StaffMessage} now @param {StaffMessage} before */
function isNewer(now, before) {
  return !before.deletedAt && (now.deletedAt !== undefined || changedAt(now) > changedAt(before));
}

/**
 * How a message stands after a change, with what it said before, as a page of the server's has it.
 *
 * @param {StaffMessage} now
 * @param {StaffMessage} before
 * @returns {StaffMessage}
 */
function changed(now, before) {
  const { edits = [], ...said } = before;
  // What its sender has deleted is kept for nobody.
  if (now.deletedAt) return now.removedBy ? { ...now, edits, beforeRemoval: said } : now;
  if (!now.editedAt || now.editedAt === before.editedAt) return now;
  return { ...now, edits: [...edits, { text: before.text, replacedAt: now.editedAt }] };
}

/** Who of the staff is there after what was said. @param {StaffRoom["staff"]} staff @param {StaffMessage[]} messages */
function staffAfter(staff = [], messages) {
  return messages.reduce((here, { kind, data }) => {
    const { code, params: user } = /** @type {any} */ (kind === "system" && data) || {};
    if (code !== "support_joined" && code !== "support_left") return here;
    const others = here.filter(({ id }) => id !== user.id);
    return code === "support_joined" ? [...others, user] : others;
  }, staff);
}

/** The offer that stands after what was said. @param {StaffRoom["offer"]} offer @param {StaffMessage[]} offers */
function offerAfter(offer, offers) {
  return offers.reduce((standing, { id, senderId, data }) => {
    const { amount, currency, status, expiresAt } = /** @type {any} */ (data);
    if (status === "pending" || status === "accepted") return { messageId: id, senderId, amount, currency, status, expiresAt };
    return standing?.messageId === id ? undefined : standing;
  }, offer);
}
