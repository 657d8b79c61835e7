// @ts-check
import { HostContext } from "../ui/host.js";
import { html, useContext, useEffect, useState } from "../ui/view.js";
import { HaggleElement } from "./element.js";

/** `<haggle-settings>`: what the other members get to see of one, each with its switch. */
export class HaggleSettings extends HaggleElement {
  /** @param {import("./session.js").Session} session */
  view({ client }) {
    return client && html`<${LoadedSettings} rest=${client.rest} />`;
  }
}

/**
 * Read with the dialogs, when they are shown for the first time.
 *
 * @param {{rest: import("@haggle/client").Rest}} props
 */
function LoadedSettings({ rest }) {
  const { adopt } = useContext(HostContext);
  const [loaded, setLoaded] = useState(/** @type {typeof import("../ui/asked_dialog.js") | undefined} */ (undefined));
  useEffect(() => void import("../ui/asked_dialog.js").then(setLoaded), []);
  if (!loaded) return undefined;
  adopt(loaded.settingsSheets);
  return html`<${loaded.Settings} rest=${rest} />`;
}
