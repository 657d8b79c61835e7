// @ts-check

/**
 * Lets the document share style sheets with the components.
 *
 * @param {(() => CSSStyleSheet)[]} sheets
 */
export function adopt(...sheets) {
  const missing = sheets.map((sheet) => sheet()).filter((sheet) => !document.adoptedStyleSheets.includes(sheet));
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, ...missing];
}
