// @ts-check

/** What the Tab key reaches. */
const REACHABLE = 'a[href], button:not(:disabled, [tabindex="-1"]), input:not([tabindex="-1"]), textarea, [tabindex="0"]';

/**
 * Gives the focus to what stands next to an element that had it and is gone, so that it never falls back to the page's beginning.
 * An element that was only moved gets it back.
 *
 * @param {HTMLElement} frame in which it holds
 */
export function keepFocus(frame) {
  /** What had the focus last, unless somebody has taken it away. @type {HTMLElement | undefined} */
  let last;
  frame.addEventListener("focusin", ({ target }) => (last = /** @type {HTMLElement} */ (target)));
  // Later than the observer, which by then has made good what a change of the page has done.
  frame.addEventListener("focusout", () => setTimeout(() => last && isThere(last) && isFocusLost() && (last = undefined)));

  new MutationObserver((changes) => {
    if (!last || !isFocusLost()) return;
    const removal = changes.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(last ?? null)));
    const next = isThere(last) ? removal && last : removal ? nextTo(removal, frame) : firstIn(frame);
    next?.focus({ preventScroll: true });
  }).observe(frame, { childList: true, subtree: true });
}

/** Whether nothing has the focus, in no tree of the page. */
function isFocusLost() {
  return !document.activeElement || document.activeElement === document.body;
}

/** @param {HTMLElement} element */
function isThere(element) {
  return element.isConnected && element.checkVisibility({ visibilityProperty: true });
}

/**
 * What follows a removed node, or comes before it, or else the closest thing around it.
 *
 * @param {MutationRecord} removal
 * @param {HTMLElement} frame
 */
function nextTo({ nextSibling, previousSibling, target }, frame) {
  for (const sibling of [nextSibling, previousSibling]) {
    const found = sibling instanceof HTMLElement && firstIn(sibling);
    if (found) return found;
  }
  let around = /** @type {HTMLElement | null} */ (target);
  while (around && around !== frame) {
    const found = firstIn(around);
    if (found) return found;
    around = around.parentElement;
  }
  return firstIn(frame);
}

/** A page's main part, or else the first thing that can have the focus. @param {HTMLElement} element */
function firstIn(element) {
  for (const selector of ["main[tabindex]", REACHABLE]) {
    const candidates = /** @type {HTMLElement[]} */ ([element, ...element.querySelectorAll(selector)]);
    const found = candidates.find((candidate) => candidate.matches(selector) && isThere(candidate));
    if (found) return found;
  }
  return undefined;
}
