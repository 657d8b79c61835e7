// @ts-check
import { filling } from "../styles/frame.js";
import { layout } from "../styles/layout.js";
import { Banner, ConversationView, SignedIn } from "../ui/signed_in.js";
import { html } from "../ui/view.js";
import { RoomElement } from "./room_element.js";

/**
 * `<haggle-conversation room="…">`: one conversation. `back` adds a button that asks the page for the inbox.
 */
export class HaggleConversation extends RoomElement {
  static sheets = [filling, layout];

  /** @param {import("./session.js").Session} session */
  view(session) {
    const { room } = this;
    return html`<div class="single">
      <${SignedIn} session=${session} again=${() => this.reconnect()}>
        ${(/** @type {import("@haggle/client").HaggleClient} */ client) => html`
          <${Banner} client=${client} />
          ${room && html`<${ConversationView} key=${room} session=${session} client=${client} roomId=${room} sought=${this.sought} takesFocus=${this.takesFocus} />`}
        `}
      <//>
    </div>`;
  }
}
