// @ts-check
import { createContext, html, useContext, useEffect, useState } from "./view.js";

/**
 * Where in a messenger one is, or wants to go. The host's router decides what comes of it.
 *
 * @typedef {{view: "inbox"} | {view: "room", roomId: string, seq?: number}} Place `seq`: the message that one came for
 */

/** What the views know of the page that they stand in. */
export const HostContext = createContext({
  /** Address of the server, against which paths of pictures are resolved; empty where the page is the server's own. */
  server: "",
  /** The address of a place, where the page has one. @type {(place: Place) => string | undefined} */
  hrefFor: () => undefined,
  /** Asks the page to go somewhere. @type {(place: Place) => boolean} */
  go: () => false,
  /** Adds style sheets to the element, those that it has not adopted yet. @type {(sheets: (() => CSSStyleSheet)[]) => void} */
  adopt: () => {},
});

/**
 * The whole address of a picture: a path is the server's, and not the page's.
 *
 * @param {string} url
 */
export function useAddress(url) {
  const { server } = useContext(HostContext);
  return server && URL.canParse(url, server) ? new URL(url, server).href : url;
}

/**
 * A way to a place: a link where the page has an address for it, so that it opens in a new tab as well, and else a button.
 *
 * @param {{to: Place, children?: any, [attribute: string]: any}} props
 */
export function PlaceLink({ to, children, ...attributes }) {
  const { hrefFor, go } = useContext(HostContext);
  const href = hrefFor(to);
  /** @param {MouseEvent} event */
  const onClick = (event) => {
    // A new tab, a new window, a download: the browser's.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (go(to)) event.preventDefault();
  };
  return href === undefined
    ? html`<button type="button" ...${attributes} onClick=${() => go(to)}>${children}</button>`
    : html`<a href=${href} ...${attributes} onClick=${onClick}>${children}</a>`;
}

/** What was read when it was first needed, by what reads it. @type {Map<() => Promise<any>, any>} */
const modules = new Map();

/**
 * Reads a module ahead of the view that needs it.
 *
 * @param {() => Promise<any>} load
 */
export async function readModule(load) {
  if (!modules.has(load)) modules.set(load, await load());
}

/**
 * A module that a page does without until it is needed, with its style sheets, which are there before anything of it is drawn.
 *
 * @template {{sheets: (() => CSSStyleSheet)[]}} M
 * @param {() => Promise<M>} load the same function each time
 * @param {boolean} [isNeeded]
 * @returns {M | undefined} nothing until it is there
 */
export function useModule(load, isNeeded = true) {
  const { adopt } = useContext(HostContext);
  const [, changed] = useState({});
  const module = modules.get(load);
  useEffect(() => void (isNeeded && !module && readModule(load).then(() => changed({}))), [isNeeded]);
  if (module) adopt(module.sheets);
  return module;
}
