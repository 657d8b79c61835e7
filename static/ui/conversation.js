// @ts-check
import { Avatar, ProductPicture } from "./avatar.js";
import { Composer } from "./composer.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { MessageList } from "./message_list.js";
import { addressOf } from "./navigation.js";
import { html, useChanges, useEffect, useState } from "./view.js";

/**
 * One conversation: who and what it is about, its history, and the composer.
 *
 * @param {{room: import("../client/room.js").Room, preview?: import("../client/types.js").InboxItem,
 *   state: import("../client/types.js").ConnectionState}} props
 *   `preview` is the inbox's row, so that the header stands before the room has answered
 */
export function Conversation({ room, preview, state }) {
  const { t } = useLanguage();
  const [announcement, setAnnouncement] = useState("");
  useChanges(room);

  useEffect(() => {
    room.enter();
    return () => room.leave();
  }, [room]);

  const other = room.other ?? preview?.other;
  useEffect(
    () =>
      room.on("received", (/** @type {import("../client/types.js").Message[]} */ messages) => {
        const { text } = messages[messages.length - 1];
        setAnnouncement(`${other?.name ?? ""}: ${text ?? ""}`);
      }),
    [room, other?.name],
  );

  if (room.error) {
    return html`<section class="pane conversation" aria-label=${t.chats}>
      <div class="empty">
        <p class="empty-title" role="alert">${t.roomRefused}</p>
        <a class="button" href=${addressOf({ view: "chats" })}>${t.back}</a>
      </div>
    </section>`;
  }
  if (!other) return html`<section class="pane conversation" aria-label=${t.chats}><p class="notice" role="status">${t.loading}</p></section>`;

  const product = preview?.product ?? room.info?.product;
  return html`<section class="pane conversation" aria-labelledby="conversation-title">
    <${Header} other=${other} online=${state === "open" && room.other?.online} known=${state === "open" && room.entered} typing=${room.otherIsTyping} product=${product} />
    <${MessageList} room=${room} other=${other} />
    <div class="visually-hidden" aria-live="polite">${announcement}</div>
    <${Composer} room=${room} other=${other} />
  </section>`;
}

/**
 * @param {{other: import("../client/types.js").User, online?: boolean, known: boolean, typing: boolean,
 *   product?: import("../client/types.js").Product}} props
 */
function Header({ other, online, known, typing, product }) {
  const { t, format } = useLanguage();
  return html`<header class="conversation-head">
    <a class="icon-button back" href=${addressOf({ view: "chats" })} aria-label=${t.back}><${Icon} name="back" /></a>
    <${Avatar} user=${other} size="m" online=${online} />
    <div class="conversation-who">
      <h1 id="conversation-title">${other.name}</h1>
      <p class="conversation-state" data-typing=${typing ? "" : undefined} data-online=${online ? "" : undefined}>
        ${typing ? t.typing : !known ? t.connecting : online ? t.online : t.offline}
      </p>
    </div>
    ${product &&
    html`<div class="product-strip">
      <${ProductPicture} product=${product} class="picture-s" />
      <div class="product-strip-text">
        <p class="product-strip-title">${product.title}</p>
        <p class="product-strip-line">
          <span class="product-strip-price">${format.price(product.price, product.currency)}</span>
          <span class="status status-${product.status}">${t.status[product.status]}</span>
        </p>
      </div>
    </div>`}
  </header>`;
}
