// @ts-check
import { permission } from "../notifications/preferences.js";
import { askWhenSending, startNotifying } from "../notifications/notifier.js";
import { answerWorker } from "../notifications/worker_messages.js";
import { HostContext } from "../ui/host.js";
import { useLanguage } from "../ui/language.js";
import { describe, named, senderOf } from "../ui/message_text.js";
import { css } from "../ui/view.js";
import { html, useContext, useEffect, useRef } from "../ui/view.js";
import { RoomElement } from "./room_element.js";

const unseen = css`
  :host {
    display: none;
  }
`;

/**
 * `<haggle-notifications>`: notifies somebody who looks elsewhere of what came in, and shows nothing in the page. `room` is the one that is
 * open; without it, that of the page's messenger. `worker` is the address of the page's service worker, which notifies while no page is open.
 */
export class HaggleNotifications extends RoomElement {
  static observedAttributes = [...super.observedAttributes, "worker"];
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
    return client && html`<${Notifications} client=${client} roomId=${this.room || (this.#messenger?.room ?? "")} worker=${this.getAttribute("worker") ?? ""} />`;
  }

  get #messenger() {
    const page = /** @type {Document | ShadowRoot} */ (this.getRootNode());
    return /** @type {import("./messenger.js").HaggleMessenger | null} */ (page.querySelector("haggle-messenger"));
  }
}

/** @param {{client: import("@haggle/client").HaggleClient, roomId: string, worker: string}} props */
function Notifications({ client, roomId, worker }) {
  const { t, format, code } = useLanguage();
  const { go, hrefFor } = useContext(HostContext);
  const here = useRef({ roomId, t, format, go, hrefFor });
  here.current = { roomId, t, format, go, hrefFor };
  useEffect(() => {
    const page = {
      openRoomId: () => here.current.roomId,
      /** @param {string} roomId */
      open(roomId) {
        const place = /** @type {const} */ ({ view: "room", roomId });
        const href = here.current.hrefFor(place);
        // A page that has an address for it and no router of its own has it followed.
        if (!here.current.go(place) && href !== undefined) Object.assign(document.createElement("a"), { href }).click();
      },
    };
    const stop = startNotifying(client, {
      ...page,
      textOf: ({ other, lastMessage }) => ({
        title: senderOf(lastMessage, named(other, here.current.t), here.current.t).name,
        body: lastMessage ? describe(lastMessage, here.current) : "",
      }),
    });
    const leave = answerWorker(page);
    return () => (stop(), leave());
  }, [client]);
  useEffect(() => {
    if (worker) void renew(client, worker, code);
  }, [client, worker, code]);
  useEffect(() => (roomId ? askWhenSending(client.room(roomId)) : undefined), [client, roomId]);
  return undefined;
}

/** What comes of it is seen in the settings. @param {import("@haggle/client").HaggleClient} client @param {string} worker @param {string} language */
async function renew(client, worker, language) {
  if (permission() !== "granted") return;
  try {
    const { renewPush } = await import("../notifications/push.js");
    await renewPush(client, worker, language);
  } catch {
    // The next page tries it again.
  }
}
