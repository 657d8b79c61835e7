// @ts-check
import { createElement, forwardRef, useEffect, useImperativeHandle, useRef } from "react";

/** What is no attribute. */
const PROPERTIES = ["client", "fetchToken", "hrefFor", "strings"];

/** @type {Record<string, string>} */
const ATTRIBUTES = { tokenUrl: "token-url" };

/** @type {Record<string, string>} */
const EVENTS = { onNavigate: "haggle-navigate", onStopped: "haggle-stopped", onUnread: "haggle-unread" };

/**
 * An element as a React component: properties of the element are set as such, and its events are functions.
 *
 * @param {string} name of the element
 */
export function component(name) {
  const Component = forwardRef((/** @type {Record<string, any>} */ props, ref) => {
    const element = useRef(/** @type {any} */ (null));
    useImperativeHandle(ref, () => element.current);

    /** @type {Record<string, any>} */
    const attributes = { ref: element };
    for (const [prop, value] of Object.entries(props)) {
      if (PROPERTIES.includes(prop) || prop in EVENTS) continue;
      // An attribute is there or not, in every version of React.
      attributes[ATTRIBUTES[prop] ?? prop] = typeof value === "boolean" && prop !== "hidden" ? (value ? "" : undefined) : value;
    }

    for (const property of PROPERTIES) {
      const value = props[property];
      useEffect(() => {
        if (element.current[property] !== value) element.current[property] = value;
      }, [value]);
    }
    for (const [prop, event] of Object.entries(EVENTS)) {
      const listener = props[prop];
      useEffect(() => {
        if (!listener) return;
        const { current } = element;
        current.addEventListener(event, listener);
        return () => current.removeEventListener(event, listener);
      }, [listener]);
    }
    return createElement(name, attributes);
  });
  Component.displayName = name;
  return Component;
}
