// @ts-check
import { html } from "../components/ui/view.js";

/** The mark: two people's bubbles, and the price between them. */
export function Logo() {
  return html`<img class="logo" src="/pictures/haggle.svg" alt="" width="30" height="30" />`;
}
