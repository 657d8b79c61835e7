// @ts-check

/** @typedef {{text: string, href?: string, kind?: "web" | "email" | "phone", title?: string}} Part a piece of a text, and where it leads */

/**
 * What is worth a closer look. Every repetition is bounded or consumes what it has seen, so the time grows with the length of the
 * text alone. Addresses end at spaces, at what nobody puts into one, and at characters that show nothing or turn text around.
 */
const CANDIDATE = new RegExp(
  [
    String.raw`(?<web>(?<![\p{L}\p{N}])https?:\/\/[^\s\p{C}<>"“”‘’«»‹›「」『』|\\^${"`"}{}]+)`,
    String.raw`(?<email>(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-]))`,
    String.raw`(?<phone>(?<![\p{L}\p{N}.,/#+-])(?:${[
      String.raw`\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}`,
      String.raw`\(?0\d{1,2}\)?[ .-]?\d{3,4}[ .-]?\d{4}`,
      String.raw`0\d{2,4}[ /-]\d{6,8}`,
      String.raw`\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}`,
      String.raw`1[568]\d\d-\d{4}`,
    ].join("|")})(?![\p{N}-]))`,
  ].join("|"),
  "giu",
);

/** What the server puts in place of a contact. */
const MASK = "●";
/** Writing that goes on without a space: after a Latin letter or a digit, it is what somebody says about the address. */
const RUNS_ON = /[a-z0-9/](?=[\p{sc=Hangul}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}])/giu;
/** Korean particles, which are no path of their own. */
const PARTICLES = /^(?:으?로|에서?|은|는|이|가|을|를|와|과|도|만|까지|부터|입니다|이?에요|예요|이?라고|이?요)(?![\p{L}\p{N}])/u;
const TRAILING = new Set([...".,;:!?'*_~…。、，．！？·)]）】"]);

/**
 * Cuts a text into pieces, of which some lead somewhere. Nothing but `http:`, `https:`, `mailto:` and `tel:` ever does.
 *
 * @param {string} text
 * @returns {Part[]} together they are the text
 */
export function partsOf(text) {
  /** @type {Part[]} */
  const parts = [];
  let end = 0;
  for (const { 0: found, index, groups } of text.matchAll(CANDIDATE)) {
    if (touchesMask(text, index, found)) continue;
    const part = groups?.web ? webPart(found) : groups?.email ? { text: found, href: `mailto:${found}`, kind: "email" } : phonePart(found);
    if (!part) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push(/** @type {Part} */ (part));
    end = index + part.text.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/**
 * Whether a text leads to another site than this page's own.
 *
 * @param {string} text
 * @param {string} ownHost
 */
export function leadsAway(text, ownHost) {
  return partsOf(text).some(({ kind, href = "" }) => kind === "web" && new URL(href).host !== ownHost);
}

/** @param {string} text @param {number} index @param {string} found */
function touchesMask(text, index, found) {
  return text[index - 1] === MASK || found.includes(MASK) || text[index + found.length] === MASK;
}

/** @param {string} found @returns {Part | undefined} */
function webPart(found) {
  const text = withoutTrailing(withoutComment(found));
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A name before the host is there to be taken for it.
  if (!url?.hostname.includes(".") || url.username || url.password) return undefined;
  const shown = text.slice(text.indexOf("//") + 2).split(/[/?#:]/, 1)[0];
  return { text, href: url.href, kind: "web", title: shown.toLowerCase() === url.hostname ? undefined : url.host };
}

/**
 * An address without the Korean, Japanese or Chinese words that follow it directly. Those in a path, as encyclopedias have them, stay.
 *
 * @param {string} found
 */
function withoutComment(found) {
  for (const { index } of found.matchAll(RUNS_ON)) {
    const rest = found.slice(index + 1);
    if (found[index] !== "/" || PARTICLES.test(rest)) return found.slice(0, index + 1);
  }
  return found;
}

/** @param {string} text */
function withoutTrailing(text) {
  let open = text.split("(").length - text.split(")").length;
  let end = text.length;
  for (; TRAILING.has(text[end - 1]); end--) {
    // A bracket that was opened in the address belongs to it.
    if (text[end - 1] === ")" && open++ >= 0) break;
  }
  return text.slice(0, end);
}

/** @param {string} text @returns {Part | undefined} */
function phonePart(text) {
  const digits = text.replace(/\D/g, "");
  if (digits.length < 8 || digits.length > 15) return undefined;
  return { text, href: `tel:${text.startsWith("+") ? "+" : ""}${digits}`, kind: "phone" };
}
