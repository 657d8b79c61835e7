// @ts-check

/** @typedef {import("@haggle/client").Message} Message */

/**
 * A message in one line: for the inbox and for the screen reader.
 *
 * @param {Message} message
 * @param {Pick<ReturnType<typeof import("./language.js").useLanguage>, "t" | "format">} language
 * @returns {string}
 */
export function describe(message, { t, format }) {
  const { kind, text, data, deletedAt, removedBy } = message;
  if (deletedAt) return removedBy ? t.removed : t.deleted;
  if (kind === "system") return systemText(message, t);
  if (kind === "offer" && data) return t.offer.says(format.price(data.amount, data.currency));
  if (kind === "image") return text || t.image.says;
  return text ?? "";
}

/**
 * What the server itself says has a code and parameters, for words in the reader's language. What the marketplace says, and a
 * code that this page does not know, is shown as it came.
 *
 * @param {{text?: string, data?: any}} message
 * @param {import("../languages/en.js").Strings} t
 * @returns {string}
 */
export function systemText({ text, data }, t) {
  // Messages from before there were codes have their parameters next to a type.
  const code = data?.code ?? data?.type;
  const say = typeof code === "string" && Object.hasOwn(t.notices, code) ? t.notices[code] : undefined;
  return say?.(data.params ?? data) ?? text ?? "";
}

/**
 * A user with a name in the reader's language, where the name is the server's own.
 *
 * @template {import("@haggle/client").User | undefined} U
 * @param {U} user
 * @param {import("../languages/en.js").Strings} t
 * @returns {U}
 */
export function named(user, t) {
  const code = user?.nameCode;
  return code && Object.hasOwn(t.names, code) ? { ...user, name: t.names[code] } : user;
}

/**
 * Who says it: the other member, or somebody of the staff.
 *
 * @template {import("@haggle/client").User | undefined} U
 * @param {Message | undefined} message none of one's own
 * @param {U} other
 * @param {import("../languages/en.js").Strings} t
 */
export const senderOf = (message, other, t) => /** @type {U} */ (named(message?.sender, t) ?? other);

/**
 * What it means that a message can't be edited or deleted.
 *
 * @param {import("../languages/en.js").Strings} t
 */
export const uneditable = ({ editFailed }) => ({ conflict: editFailed, forbidden: editFailed, not_found: editFailed });

/**
 * Why something failed, by its code; `undefined` for a code that the page has no words for.
 *
 * @param {string | undefined} code
 * @param {string | undefined} until of `muted`: when it ends
 * @param {import("../languages/en.js").Strings} t
 * @param {string} [reason] of `refused`: the marketplace's own words
 * @returns {string | undefined}
 */
export function reasonText(code, until, t, reason) {
  if (code === "muted" && until) return t.mutedUntil(until);
  return reason ?? (code && Object.hasOwn(t.failure, code) ? t.failure[code] : undefined);
}
