// @ts-check
import { askWhenSending, startNotifying } from "../notifications/notifier.js";
import { css } from "../styles/css.js";
import { HostContext } from "../ui/host.js";
import { useLanguage } from "../ui/language.js";
import { describe, named } from "../ui/message_text.js";
import { html, useContext, useEffect, useRef } from "../ui/view.js";
import { RoomElement } from "./room_element.js";

const unseen = css`
  :host {
    display: none;
  }
`;

/**
 * `<haggle-notifications>`: notifies somebody who looks elsewhere of what came in, and shows nothing in the page. `room` is the one that is
 * open; without it, that of the page's messenger.
 */
export class HaggleNotifications extends RoomElement {
  static sheets = [unseen];
  #observer = new MutationObserver(() => this.update());

  connectedCallback() {
    super.connectedCallback();
    const messenger = this.#messenger;
    if (messenger) this.#observer.observe(messenger, { attributeFilter: ["room"] });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  /**
   * Has the page's messenger go there, unless the page's router does, or a link leads there.
   *
   * @param {import("../ui/host.js").Place} place
   */
  navigate(place) {
    if (super.navigate(place)) return true;
    if (this.hrefFor?.(place) !== undefined) return false;
    return this.#messenger?.navigate(place) ?? false;
  }

  /** @param {import("./session.js").Session} session */
  view({ client }) {
    return client && html`<${Notifications} client=${client} roomId=${this.room || (this.#messenger?.room ?? "")} />`;
  }

  get #messenger() {
    const page = /** @type {Document | ShadowRoot} */ (this.getRootNode());
    return /** @type {import("./messenger.js").HaggleMessenger | null} */ (page.querySelector("haggle-messenger"));
  }
}

/** @param {{client: import("@haggle/client").HaggleClient, roomId: string}} props */
function Notifications({ client, roomId }) {
  const { t, format } = useLanguage();
  const { go, hrefFor } = useContext(HostContext);
  const here = useRef({ roomId, t, format, go, hrefFor });
  here.current = { roomId, t, format, go, hrefFor };
  useEffect(
    () =>
      startNotifying(client, {
        openRoomId: () => here.current.roomId,
        textOf: ({ other, lastMessage }) => ({
          title: named(other, here.current.t).name,
          body: lastMessage ? describe(lastMessage, here.current) : "",
        }),
        open(roomId) {
          const place = /** @type {const} */ ({ view: "room", roomId });
          const href = here.current.hrefFor(place);
          // A page that has an address for it and no router of its own has it followed.
          if (!here.current.go(place) && href !== undefined) Object.assign(document.createElement("a"), { href }).click();
        },
      }),
    [client],
  );
  useEffect(() => (roomId ? askWhenSending(client.room(roomId)) : undefined), [client, roomId]);
  return undefined;
}
