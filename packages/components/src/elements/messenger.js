// @ts-check
import { RoomElement } from "./room_element.js";
import { layout } from "../styles/layout.js";
import { Banner, ConversationView, InboxView, loadTalk, SignedIn } from "../ui/signed_in.js";
import { search } from "../styles/search.js";
import { focusedNear, html, useEffect, useLayoutEffect, useRef } from "../ui/view.js";
import { useLanguage } from "../ui/language.js";
import { readModule } from "../ui/host.js";
import { filling } from "../styles/frame.js";

/**
 * `<haggle-messenger>`: the inbox, and the conversation named by `room`. Where it is narrow, one of the two.
 *
 * Its content is shown where no conversation is; `narrow="content"` shows it in place of the inbox in a narrow messenger, too.
 */
export class HaggleMessenger extends RoomElement {
  static observedAttributes = [...super.observedAttributes, "narrow"];
  static sheets = [filling, layout, search];

  /**
   * Goes there by itself, unless the page's router does, or a link leads there.
   *
   * @param {import("../ui/host.js").Place} place
   */
  navigate(place) {
    if (super.navigate(place)) return true;
    if (this.hrefFor?.(place) !== undefined) return false;
    this.room = place.view === "room" ? place.roomId : "";
    this.seq = place.view === "room" ? (place.seq ?? 0) : 0;
    return true;
  }

  /** @param {import("./session.js").Session} session */
  view(session) {
    return html`<${SignedIn} session=${session} again=${() => this.reconnect()}>
      ${(/** @type {import("@haggle/client").HaggleClient} */ client) =>
        html`<${Messenger} session=${session} client=${client} roomId=${this.room} sought=${this.sought} narrow=${this.getAttribute("narrow")} takesFocus=${this.takesFocus} onUnread=${(/** @type {number} */ unread) => this.dispatchUnread(unread)} />`}
    <//>`;
  }
}

/**
 * @param {{session: import("./session.js").Session, client: import("@haggle/client").HaggleClient, roomId: string, sought?: {seq: number}, narrow: string | null,
 *   takesFocus: boolean, onUnread: (unread: number) => void}} props
 */
function Messenger({ session, client, roomId, sought, narrow, takesFocus, onUnread }) {
  const { t } = useLanguage();
  useEffect(() => void readModule(loadTalk), []);

  const messenger = useRef(/** @type {HTMLElement | null} */ (null));
  const wasOpen = useRef(roomId);
  useLayoutEffect(() => {
    const left = wasOpen.current;
    wasOpen.current = roomId;
    // The button that led back is gone, and the focus with it: one goes on from where one had come.
    if (!left || roomId || !takesFocus || focusedNear(messenger.current)) return;
    const places = [`[data-room="${CSS.escape(left)}"]`, ".pane-head h2", ".content"];
    const found = /** @type {(HTMLElement | null | undefined)[]} */ (places.map((place) => messenger.current?.querySelector(place)));
    found.find((element) => element?.checkVisibility())?.focus();
  }, [roomId]);

  const shows = roomId ? "room" : narrow === "content" ? "content" : "inbox";
  return html`<div class="messenger" ref=${messenger}>
    <${Banner} client=${client} />
    <div class="panes" data-shows=${shows}>
      <${InboxView} session=${session} client=${client} openRoomId=${roomId} onUnread=${onUnread} />
      ${roomId
        ? html`<${ConversationView} key=${roomId} session=${session} client=${client} roomId=${roomId} sought=${sought} takesFocus=${takesFocus} />`
        : html`<div class="pane content" part="content" tabindex="-1"><slot><div class="empty"><p>${t.chooseChat}</p></div></slot></div>`}
    </div>
  </div>`;
}
