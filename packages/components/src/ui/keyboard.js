// @ts-check

let usedLast = false;
// At the window, so that nothing on the page can keep an event from being noticed.
globalThis.addEventListener?.("keydown", () => void (usedLast = true), true);
globalThis.addEventListener?.("pointerdown", () => void (usedLast = false), true);

/** Whether what happens now comes from the keyboard. To a browser every focus in a text field is `:focus-visible`, also by a finger. */
export function isKeyboardUsed() {
  return usedLast;
}
