// @ts-check

/** @typedef {import("../client/types.js").Message} Message */

/**
 * A message in one line: for the inbox and for the screen reader.
 *
 * @param {Message} message
 * @param {Pick<ReturnType<typeof import("./language.js").useLanguage>, "t" | "format">} language
 * @returns {string}
 */
export function describe(message, { t, format }) {
  const { kind, text, data, deletedAt } = message;
  if (deletedAt) return t.deleted;
  if (kind === "system") return systemText(message, t);
  if (kind === "offer" && data) return t.offer.says(format.price(data.amount, data.currency));
  if (kind === "image") return text || t.image.says;
  return text ?? "";
}

/**
 * The server says it in English, and in `data` for a page that speaks more.
 *
 * @param {Message} message
 * @param {import("../strings.js").Strings} t
 * @returns {string}
 */
export function systemText({ text, data }, t) {
  const news = data?.type === "product_status" ? t.statusNews[/** @type {"sold"} */ (data.status)] : undefined;
  return news ?? text ?? "";
}
