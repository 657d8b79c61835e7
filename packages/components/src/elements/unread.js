// @ts-check
import { html, useChanges, useEffect } from "../ui/view.js";
import { HaggleElement } from "./element.js";
import { totalOf } from "../ui/signed_in.js";
import { useLanguage } from "../ui/language.js";
import { inline } from "../styles/frame.js";

/**
 * `<haggle-unread>`: how many messages are unread, and nothing at all when there are none.
 */
export class HaggleUnread extends HaggleElement {
  static sheets = [inline];

  /** @param {import("./session.js").Session} session */
  view({ client }) {
    if (!client) return undefined;
    return html`<${Badge} inbox=${client.inbox} onUnread=${(/** @type {number} */ unread) => this.dispatchUnread(unread)} />`;
  }
}

/** @param {{inbox: import("@haggle/client").Inbox, onUnread: (unread: number) => void}} props */
function Badge({ inbox, onUnread }) {
  const { t } = useLanguage();
  useChanges(inbox);
  const unread = totalOf(inbox);
  useEffect(() => onUnread(unread), [unread]);
  return unread > 0 && html`<span class="badge" part="badge" role="img" aria-label=${t.unread(unread)}>${unread}</span>`;
}
