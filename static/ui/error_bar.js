// @ts-check

/**
 * Shows what nobody caught, in a bar at the foot of the page: a fault that only the console knows is a fault that users
 * report as "it does not work". Imports nothing, so that it also shows the failure of an import.
 *
 * @param {unknown} error
 */
function show(error) {
  let bar = document.querySelector(".error-bar");
  if (!bar) {
    bar = document.createElement("div");
    bar.className = "error-bar";
    bar.setAttribute("role", "alert");
    const text = document.createElement("p");
    const dismiss = document.createElement("button");
    dismiss.type = "button";
    dismiss.textContent = "×";
    dismiss.setAttribute("aria-label", "Dismiss");
    dismiss.onclick = () => bar?.remove();
    bar.append(text, dismiss);
    document.body.append(bar);
  }
  const text = /** @type {HTMLElement} */ (bar.firstElementChild);
  text.textContent = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

addEventListener("error", (event) => {
  // Chromium reports a skipped ResizeObserver round as an error; it is none.
  if (!event.message?.startsWith("ResizeObserver")) show(event.error ?? event.message);
});
addEventListener("unhandledrejection", (event) => show(event.reason));
