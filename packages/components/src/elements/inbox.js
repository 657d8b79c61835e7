// @ts-check
import { filling } from "../styles/frame.js";
import { layout } from "../styles/layout.js";
import { search } from "../styles/search.js";
import { Banner, InboxView, SignedIn } from "../ui/signed_in.js";
import { html } from "../ui/view.js";
import { RoomElement } from "./room_element.js";

/**
 * `<haggle-inbox>`: one's own conversations, with their search. `room` marks the one that is open elsewhere on the page.
 */
export class HaggleInbox extends RoomElement {
  static sheets = [filling, layout, search];

  /** @param {import("./session.js").Session} session */
  view(session) {
    return html`<div class="single">
      <${SignedIn} session=${session} again=${() => this.reconnect()}>
        ${(/** @type {import("@haggle/client").HaggleClient} */ client) => html`
          <${Banner} client=${client} />
          <${InboxView} session=${session} client=${client} openRoomId=${this.room} onUnread=${(/** @type {number} */ unread) => this.dispatchUnread(unread)} />
        `}
      <//>
    </div>`;
  }
}
