// @ts-check
import { Icon } from "./icons.js";
import { focusedNear, html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {keyof typeof import("./icons.js").PATHS} [icon]
 * @property {boolean} [danger]
 * @property {boolean} [checked] one of several, of which one is in force
 * @property {boolean} [isEmoji] stands in a row with its neighbours
 * @property {() => void} choose
 */

/** Distance from the button and from the window's edges. */
const GAP_PX = 6;

/**
 * A button that opens a menu: arrows, Home and End walk, Escape and Tab close, the focus comes back to the button.
 *
 * @param {{label: string, items: () => MenuItem[], class?: string, children?: any, open?: boolean, setOpen?: (open: boolean) => void,
 *   tabindex?: number, onKeyDown?: (event: KeyboardEvent) => void}} props
 *   `items` is asked when the menu opens; `open` and `setOpen` where something else opens it, too
 */
export function MenuButton({ label, items, class: className = "", children, tabindex, onKeyDown, ...controlled }) {
  const [openHere, setOpenHere] = useState(false);
  const open = controlled.open ?? openHere;
  const setOpen = controlled.setOpen ?? setOpenHere;
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  return html`<button ref=${button} type="button" class=${className} aria-haspopup="menu" aria-expanded=${String(open)} aria-label=${label}
      tabindex=${tabindex} onKeyDown=${onKeyDown} onClick=${() => setOpen(!open)}>
      ${children}
    </button>
    ${open && html`<${Menu} anchor=${button} label=${label} items=${items()} onClose=${() => setOpen(false)} />`}`;
}

/** @param {{anchor: {current: HTMLElement | null}, label: string, items: MenuItem[], onClose: () => void}} props */
function Menu({ anchor, label, items, onClose }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const all = () => /** @type {HTMLElement[]} */ ([...(list.current?.querySelectorAll("button") ?? [])]);

  useLayoutEffect(() => {
    const place = () => {
      const [menu, box] = [list.current, anchor.current?.getBoundingClientRect()];
      if (!menu || !box) return;
      const { offsetWidth: width, offsetHeight: height } = menu;
      const below = box.bottom + GAP_PX;
      menu.style.top = `${Math.max(GAP_PX, below + height <= innerHeight ? below : box.top - GAP_PX - height)}px`;
      const left = box.left + width <= innerWidth - GAP_PX ? box.left : box.right - width;
      menu.style.left = `${Math.max(GAP_PX, left)}px`;
    };
    // Into the top layer, where nothing of the page's clips or covers it.
    list.current?.showPopover();
    place();
    const first = /** @type {HTMLElement | null | undefined} */ (list.current?.querySelector("[aria-checked=true]") ?? list.current?.querySelector(".menu-item"));
    first?.focus({ preventScroll: true });
    addEventListener("resize", place);
    addEventListener("scroll", place, true);
    return () => {
      removeEventListener("resize", place);
      removeEventListener("scroll", place, true);
    };
  }, []);

  useEffect(() => {
    const onPointerDown = (/** @type {PointerEvent} */ event) => {
      // From outside, an event in a shadow root seems to come from its host.
      const path = event.composedPath();
      // The button closes it by its own click.
      if (![list.current, anchor.current].some((inside) => inside && path.includes(inside))) onClose();
    };
    document.addEventListener("pointerdown", onPointerDown);
    return () => document.removeEventListener("pointerdown", onPointerDown);
  }, []);

  const close = () => {
    // First, so that a dialog which opens next gives the focus back to something that is still there.
    anchor.current?.focus({ preventScroll: true });
    onClose();
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const choices = all();
    const here = choices.indexOf(/** @type {HTMLElement} */ (focusedNear(list.current)));
    const next = { ArrowDown: here + 1, ArrowRight: here + 1, ArrowUp: here - 1 + choices.length, ArrowLeft: here - 1 + choices.length, Home: 0, End: choices.length - 1 }[event.key];
    if (next !== undefined) choices[next % choices.length]?.focus({ preventScroll: true });
    else if (event.key === "Escape" || event.key === "Tab") close();
    if (next !== undefined || event.key === "Escape") event.preventDefault();
    event.stopPropagation();
  };

  return html`<div class="menu" part="menu" popover="manual" role="menu" aria-label=${label} ref=${list} onKeyDown=${onKeyDown}>
    ${items.map(
      ({ label, icon, danger, checked, isEmoji, choose }) => html`<button type="button"
        role=${checked === undefined ? "menuitem" : "menuitemradio"} aria-checked=${checked === undefined ? undefined : String(checked)}
        tabindex="-1" class=${isEmoji ? "menu-emoji" : "menu-item"} data-danger=${danger ? "" : undefined}
        onClick=${() => (close(), choose())}>
        ${isEmoji || checked === undefined ? icon && html`<${Icon} name=${icon} />` : html`<span class="menu-check">${checked && html`<${Icon} name="check" />`}</span>`}
        <span>${label}</span>
      </button>`,
    )}
  </div>`;
}
