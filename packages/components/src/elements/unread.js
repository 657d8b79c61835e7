// @ts-check
import { inline } from "../styles/frame.js";
import { useLanguage } from "../ui/language.js";
import { html, useChanges, useEffect } from "../ui/view.js";
import { HaggleElement } from "./element.js";

/**
 * `<haggle-unread>`: how many messages are unread, and nothing at all when there are none. Dispatches `haggle-unread`
 * whenever that changes, so that a page can put it into its title.
 */
export class HaggleUnread extends HaggleElement {
  static sheets = [inline];

  /** @param {import("./session.js").Session} session */
  view({ client }) {
    if (!client) return undefined;
    const tell = (/** @type {number} */ unread) => this.dispatchEvent(new CustomEvent("haggle-unread", { bubbles: true, composed: true, detail: { unread } }));
    return html`<${Badge} inbox=${client.inbox} tell=${tell} />`;
  }
}

/** @param {{inbox: import("@haggle/client").Inbox, tell: (unread: number) => void}} props */
function Badge({ inbox, tell }) {
  const { t } = useLanguage();
  useChanges(inbox);
  const { unread } = inbox;
  useEffect(() => tell(unread), [unread]);
  return unread > 0 && html`<span class="badge" part="badge" role="img" aria-label=${t.unread(unread)}>${unread}</span>`;
}
