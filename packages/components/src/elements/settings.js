// @ts-check
import { useModule } from "../ui/host.js";
import { html } from "../ui/view.js";
import { HaggleElement } from "./element.js";

/** `<haggle-settings>`: what the other members get to see of one, each with its switch. */
export class HaggleSettings extends HaggleElement {
  /** @param {import("./session.js").Session} session */
  view({ client }) {
    return client && html`<${LoadedSettings} rest=${client.rest} />`;
  }
}

const loadDialogs = () => import("../ui/asked_dialog.js");

/**
 * Read with the dialogs, when they are shown for the first time.
 *
 * @param {{rest: import("@haggle/client").Rest}} props
 */
function LoadedSettings({ rest }) {
  const dialogs = useModule(loadDialogs);
  return dialogs && html`<${dialogs.Settings} rest=${rest} />`;
}
