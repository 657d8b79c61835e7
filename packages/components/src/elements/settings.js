// @ts-check
import { dialogs } from "../styles/dialogs.js";
import { Settings } from "../ui/settings.js";
import { html } from "../ui/view.js";
import { HaggleElement } from "./element.js";

/** `<haggle-settings>`: what the other members get to see of one, each with its switch. */
export class HaggleSettings extends HaggleElement {
  static sheets = [dialogs];

  /** @param {import("./session.js").Session} session */
  view({ client }) {
    return client && html`<${Settings} rest=${client.rest} />`;
  }
}
