// @ts-check
import * as preact from "../vendor/preact.js";
import * as hooks from "../vendor/preact-hooks.js";
import htm from "../vendor/htm.js";

/*
 * The view library, from one address. It is vendored as published, minified and without its types, hence the types here.
 */

/**
 * A view. What is put into it becomes attributes and text nodes, never markup.
 * @type {(strings: TemplateStringsArray, ...values: unknown[]) => any}
 */
export const html = htm.bind(preact.h);

/** @type {(view: any, parent: Element) => void} */
export const render = preact.render;

/** @type {<T>(value: T) => {Provider: any, value?: T}} */
export const createContext = /** @type {any} */ (preact.createContext);

/** @type {<T>(context: {Provider: any, value?: T}) => T} */
export const useContext = /** @type {any} */ (hooks.useContext);

/** @type {<T>(initial: T | (() => T)) => [T, (next: T) => void]} */
export const useState = /** @type {any} */ (hooks.useState);

/** @type {<T>(initial: T) => {current: T}} */
export const useRef = /** @type {any} */ (hooks.useRef);

/** @type {<T>(compute: () => T, inputs: unknown[]) => T} */
export const useMemo = /** @type {any} */ (hooks.useMemo);

/** @type {(effect: () => void | (() => void), inputs?: unknown[]) => void} */
export const useEffect = /** @type {any} */ (hooks.useEffect);

/** @type {(effect: () => void | (() => void), inputs?: unknown[]) => void} */
export const useLayoutEffect = /** @type {any} */ (hooks.useLayoutEffect);

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

/**
 * What has the focus among the elements of the same document or shadow root.
 *
 * @param {Element | null} element
 */
export function focusedNear(element) {
  return /** @type {Document | ShadowRoot | undefined} */ (element?.getRootNode())?.activeElement ?? null;
}

/**
 * Renders again on each `change` of the given publisher.
 *
 * @param {{on(event: string, listener: () => void): () => void} | undefined} source
 * @param {string} [event]
 */
export function useChanges(source, event = "change") {
  const [, changed] = useState({});
  useEffect(() => source?.on(event, () => changed({})), [source, event]);
}
