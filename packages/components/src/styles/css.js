// @ts-check

/**
 * A style sheet that shadow roots and documents adopt. It is no inline style, so a strict Content-Security-Policy allows it, and
 * one object serves every element of a page. Made when it is first used: a module may be imported where there is no DOM.
 *
 * @param {TemplateStringsArray} text
 * @returns {() => CSSStyleSheet}
 */
export function css(text) {
  /** @type {CSSStyleSheet | undefined} */
  let sheet;
  return () => {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(text[0]);
    }
    return sheet;
  };
}
