// @ts-check
import { html } from "./view.js";

/** Line icons on a 24 grid, in the colour of the text next to them. Decoration: the words are always there too. */
export const PATHS = {
  back: "M15 5l-7 7 7 7",
  send: "M5 12h14M13 6l6 6-6 6",
  down: "M6 9.5l6 6 6-6",
  clock: "M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17",
  sent: "M5 12.5l4.5 4.5L19 7.5",
  read: "M2.5 12.5l4.5 4.5 9-9.5M11 16l1.5 1 9-9.5",
  failed: "M12 7v6M12 16.5v.5M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17",
  close: "M6 6l12 12M18 6L6 18",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  offer: "M4 4.5h7.5L20 13l-7 7-8.5-8.5zM8.5 8.5v.01",
  image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M15.5 9v.01",
  next: "M9 5l7 7-7 7",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  phrases: "M7 4h10v16l-5-4-5 4z",
  edit: "M5 19l1-4L16.5 4.5l3 3L9 18z",
  reply: "M9 6L4 11l5 5M4 11h10a6 6 0 0 1 6 6v1",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7",
  copy: "M8.5 8.5h11v11h-11zM15.5 8.5v-4h-11v11h4",
  flag: "M6 21V4h12l-2.5 4 2.5 4H6",
  block: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M6 6l12 12",
  warning: "M12 4L3 19.5h18zM12 10v4.5M12 17v.01",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5L20.5 20.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  pinned: "M12 15v6M8 4h8l-1 6 3 5H6l3-5z",
  muted: "M6 17v-7a6 6 0 0 1 12 0v7H4M10 20h4M3 3l18 18",
  archive: "M4 5h16v4H4zM5 9v10h14V9M10 13h4",
  offline: "M3 3l18 18M5 12.5a10 10 0 0 1 14 0M8.5 16a5 5 0 0 1 7 0M12 20v.01",
};

/** @param {{name?: keyof typeof PATHS, path?: string}} props `path`: of an icon of the page's own */
export function Icon({ name = "more", path = PATHS[name] }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${path} /></svg>`;
}

/**
 * A button that is an icon alone.
 *
 * @param {{icon: keyof typeof PATHS, label: string, class?: string, [attribute: string]: any}} props
 */
export function IconButton({ icon, label, class: className = "", ...attributes }) {
  return html`<button type="button" class="icon-button ${className}" aria-label=${label} ...${attributes}><${Icon} name=${icon} /></button>`;
}
