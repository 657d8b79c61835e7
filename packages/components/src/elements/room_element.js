// @ts-check
import { HaggleElement } from "./element.js";

/** Whether somebody has gone somewhere on this page, in any of its elements. */
let hasNavigated = false;

/** Whether the focus is in a field of the page, and not in one of an element of ours. @param {Element | null} focused @returns {boolean} */
function isWriting(focused) {
  if (!focused || focused instanceof HaggleElement) return false;
  return focused.matches("input, textarea, [contenteditable]") || isWriting(focused.shadowRoot?.activeElement ?? null);
}

/** An element that shows a room: which one is an attribute, so that the page's router decides. */
export class RoomElement extends HaggleElement {
  static observedAttributes = [...super.observedAttributes, "room", "seq"];

  /** Id of the room, or nothing. */
  get room() {
    return this.getAttribute("room") ?? "";
  }

  set room(room) {
    this.reflect("room", room);
  }

  /** Number of the message that one came for, or 0. */
  get seq() {
    return Number(this.getAttribute("seq")) || 0;
  }

  set seq(seq) {
    this.reflect("seq", seq);
  }

  /** @type {{seq: number} | undefined} */ #sought;

  /** The message that one came for: another object each time, also when it is the same message again. */
  get sought() {
    return this.#sought;
  }

  /** @param {string} name @param {string | null} before @param {string | null} now */
  attributeChangedCallback(name, before, now) {
    if (name === "seq") {
      this.#sought = this.seq ? { seq: this.seq } : undefined;
      this.update();
    }
    super.attributeChangedCallback(name, before, now);
  }

  /**
   * A page that begins with a conversation keeps its focus, unless the element has `autofocus`. Someone who opens one gets it, and
   * someone who writes in a field of the page's own keeps it.
   */
  get takesFocus() {
    return (hasNavigated || this.hasAttribute("autofocus")) && !isWriting(document.activeElement);
  }

  /** @param {import("../ui/host.js").Place} place @returns {boolean} */
  navigate(place) {
    hasNavigated = true;
    const isHere = place.view === "room" && place.roomId === this.room && place.seq === this.seq;
    // To the address where one is already, a link leads nowhere: no router hears of it.
    if (isHere) this.setAttribute("seq", String(place.seq));
    return super.navigate(place);
  }
}
