// @ts-check
import { Icon, IconButton } from "./icons.js";
import { useLanguage } from "./language.js";
import { senderOf } from "./message_text.js";
import { isPicture, useFreshAddress } from "./picture.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("./picture.js").PictureMessage} PictureMessage */
/** @typedef {import("@haggle/client").Room} Room */

/**
 * The pictures of a conversation in full, one at a time: the arrows go to the next one.
 *
 * @param {{room: Room, other: import("@haggle/client").User, messageId?: string, onClose: () => void}} props `messageId`: the first one to show
 */
export function Gallery({ room, other, messageId, onClose }) {
  const { t } = useLanguage();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [id, setId] = useState(messageId);
  const [zoomed, setZoomed] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);

  const pictures = room.messages.filter(isPicture);
  const index = pictures.findIndex((picture) => picture.id === id);
  // It may be deleted while it is looked at.
  const message = /** @type {PictureMessage | undefined} */ (pictures[index]);
  const alt = message?.senderId === room.ownUserId ? t.image.yours : t.image.alt(senderOf(message, other, t).name);
  const close = () => dialog.current?.close();

  /** @param {number} step */
  const walk = (step) => {
    const next = pictures[index + step];
    if (!next) return;
    setId(next.id);
    setZoomed(false);
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    // Enlarged, the arrows move the picture.
    if (!step || zoomed) return;
    event.preventDefault();
    walk(step);
  };
  /** @param {number} step @param {"back" | "next"} icon @param {string} label */
  const arrow = (step, icon, label) =>
    html`<${IconButton} icon=${icon} label=${label} aria-disabled=${String(!pictures[index + step])} onClick=${() => walk(step)} />`;

  return html`<dialog class="gallery" ref=${dialog} aria-labelledby="gallery-title" onClose=${onClose} onKeyDown=${onKeyDown}>
    <div class="gallery-frame">
      <header class="gallery-head">
        <h2 id="gallery-title" aria-live="polite"><span class="plain-line">${alt}</span>${message && html`<span>${index + 1} / ${pictures.length}</span>`}</h2>
        ${pictures.length > 1 && [arrow(-1, "back", t.image.previous), arrow(1, "next", t.image.next)]}
        ${message &&
        html`<${IconButton} icon="search" label=${t.image.zoom} aria-pressed=${String(zoomed)} onClick=${() => setZoomed(!zoomed)} />
          <a class="icon-button" href=${message.data.url} download="" target="_blank" rel="noopener" aria-label=${t.image.download}><${Icon} name="download" /></a>`}
        <${IconButton} icon="close" label=${t.close} onClick=${close} />
      </header>
      ${message
        ? html`<${Full} key=${message.id} message=${message} alt=${alt} room=${room} zoomed=${zoomed} zoom=${() => setZoomed(!zoomed)} close=${close} />`
        : html`<p class="notice" role="alert">${t.image.gone}</p>`}
    </div>
  </dialog>`;
}

/** @param {{message: PictureMessage, alt: string, room: Room, zoomed: boolean, zoom: () => void, close: () => void}} props */
function Full({ message, alt, room, zoomed, zoom, close }) {
  const { t } = useLanguage();
  const { gone, failed } = useFreshAddress(message, room);
  const { url, width, height } = message.data;
  if (gone) return html`<p class="notice" role="alert">${t.image.gone}</p>`;
  return html`<div class="gallery-picture" data-zoomed=${zoomed ? "" : undefined} tabindex=${zoomed ? 0 : undefined} onClick=${(/** @type {MouseEvent} */ event) => event.target === event.currentTarget && close()}>
      <img src=${url} width=${width} height=${height} alt=${message.text || alt} onClick=${zoom} onError=${failed} />
    </div>
    ${message.text && html`<p class="gallery-text" dir="auto">${message.text}</p>`}`;
}
