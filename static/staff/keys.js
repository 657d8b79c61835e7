// @ts-check
import { useEffect, useState } from "../components/ui/view.js";

/*
 * The keyboard. Lists are walked by their rows (`data-row`); a button says its key itself (`aria-keyshortcuts`), and the key
 * presses it, first within the item of the list that has the focus and else within the page.
 */

const STORAGE_KEY = "haggle.staff.keys";

const WALKING = new Set(["j", "k", "ArrowDown", "ArrowUp"]);

/** Somebody who dictates, or whose hand rests on keys, does without: WCAG 2.1.4. */
export function areKeysOn() {
  return localStorage.getItem(STORAGE_KEY) !== "off";
}

/** @param {boolean} on */
export function setKeysOn(on) {
  localStorage.setItem(STORAGE_KEY, on ? "on" : "off");
}

/** @param {EventTarget | null} target */
function isWriting(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}

/**
 * Moves the focus to the next row or the one before, from the first one on where none has it.
 *
 * @param {number} step
 * @param {Element | null} from
 */
export function walk(step, from) {
  const here = from?.closest("[data-row]") ?? from?.closest("li")?.querySelector("[data-row]");
  const list = here?.closest("ul, ol") ?? document.querySelector("main [data-row]")?.closest("ul, ol");
  const rows = /** @type {HTMLElement[]} */ ([...(list?.querySelectorAll("[data-row]") ?? [])]);
  const current = rows.indexOf(/** @type {HTMLElement} */ (here));
  const next = rows[here ? Math.min(Math.max(current + step, 0), rows.length - 1) : step > 0 ? 0 : rows.length - 1];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

/** @param {string} key @param {Element | null} from @returns {HTMLElement | undefined} the button of a key that can be pressed now */
function buttonOf(key, from) {
  const selector = `[aria-keyshortcuts="${CSS.escape(key)}"]`;
  const found = [...(from?.closest("li")?.querySelectorAll(selector) ?? []), ...document.querySelectorAll(`#app ${selector}`)];
  return /** @type {HTMLElement[]} */ (found).find((button) => button.checkVisibility() && !button.matches(":disabled"));
}

/**
 * Keys for the whole page, while no dialog is open and nobody is writing.
 *
 * @param {{search: () => void, help: () => void, up: () => void, section: (index: number) => void}} actions
 */
export function useKeys(actions) {
  const [latest] = useState(() => ({ actions }));
  latest.actions = actions;
  useEffect(() => {
    const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
      const target = event.target instanceof Element ? event.target : null;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
      if (isWriting(target)) {
        // Out of the field first; the next one leads back.
        if (event.key === "Escape") document.querySelector("main")?.focus();
        return;
      }
      // A key that is held goes on walking, and does nothing else twice.
      if (event.repeat && !WALKING.has(event.key)) return;
      if (press(event.key, target, latest.actions)) event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

/**
 * @param {string} key
 * @param {Element | null} target what has the focus
 * @param {Parameters<typeof useKeys>[0]} actions
 * @returns {boolean} whether the key meant something
 */
function press(key, target, { search, help, up, section }) {
  const onRow = target?.closest("[data-row]") !== null && target !== null;
  if (key === "Escape") return up(), true;
  // A row that is no link itself opens the first one in it; a link needs nobody's help.
  if (key === "Enter" && target?.matches("[data-row]:not(a, button)")) {
    const link = /** @type {HTMLElement | null} */ (target.querySelector("a.link"));
    return link?.click(), link !== null;
  }
  // The arrows scroll, but where they walk.
  if (onRow && (key === "ArrowDown" || key === "ArrowUp")) return walk(key === "ArrowDown" ? 1 : -1, target), true;
  if (!areKeysOn()) return false;
  if (key === "j" || key === "k") return walk(key === "j" ? 1 : -1, target), true;
  if (key === "/") return search(), true;
  if (key === "?") return help(), true;
  if (/^[1-6]$/.test(key)) return section(Number(key) - 1), true;
  const button = key.length === 1 ? buttonOf(key, target) : undefined;
  button?.click();
  return button !== undefined;
}
