// @ts-check
import htm from "../vendor/htm.js";
import { createContext, h, render } from "../vendor/preact.js";
import { useContext, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "../vendor/preact-hooks.js";

/** The view library, from one address. Text put into `html` becomes text nodes, never markup. */
export const html = htm.bind(h);
export { createContext, render, useContext, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState };

/**
 * Renders again on each `change` of the given publisher.
 *
 * @param {{on(event: string, listener: () => void): () => void} | undefined} source
 * @param {string} [event]
 */
export function useChanges(source, event = "change") {
  const [, changed] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => source?.on(event, () => changed(undefined)), [source, event]);
}
