// @ts-check
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").ImageMessage & {data: import("@haggle/client").ImageInfo}} Message */
/** @typedef {import("@haggle/client").Room} Room */

/**
 * A picture that somebody sent: small in the history, and in full when it is asked for.
 *
 * @param {{message: Message, alt: string, room: Room}} props
 */
export function Picture({ message, alt, room }) {
  const { t } = useLanguage();
  const [enlarged, setEnlarged] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const fresh = useFreshAddress(message, room);
  const { thumbnailUrl, width, height } = message.data;
  return html`<button type="button" class="image" ref=${button} aria-haspopup="dialog" aria-label=${t.image.enlarge(alt)} onClick=${() => setEnlarged(true)}>
      <img src=${thumbnailUrl} width=${width} height=${height} alt=${alt} loading="lazy" onError=${fresh.failed} />
    </button>
    ${enlarged && html`<${Lightbox} message=${message} alt=${alt} room=${room} onClose=${() => setEnlarged(false)} />`}`;
}

/** @param {{message: Message, alt: string, room: Room, onClose: () => void}} props */
function Lightbox({ message, alt, room, onClose }) {
  const { t } = useLanguage();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const fresh = useFreshAddress(message, room);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return html`<dialog class="lightbox" ref=${dialog} aria-labelledby="lightbox-title" onClose=${onClose}>
    <div class="lightbox-frame">
      <header class="lightbox-head">
        <h2 id="lightbox-title">${alt}</h2>
        <button type="button" class="icon-button" aria-label=${t.close} onClick=${close}><${Icon} name="close" /></button>
      </header>
      <div class="lightbox-picture" onClick=${(/** @type {MouseEvent} */ event) => event.target === event.currentTarget && close()}>
        ${fresh.gone ? html`<p class="notice" role="alert">${t.image.gone}</p>` : html`<img src=${message.data.url} alt=${message.text || alt} onError=${fresh.failed} />`}
      </div>
    </div>
  </dialog>`;
}

/**
 * The addresses of a picture are good for a day, and a page may stay open for longer: each reading of the message brings
 * fresh ones.
 *
 * @param {Message} message
 * @param {Room} room
 */
function useFreshAddress(message, room) {
  const [gone, setGone] = useState(false);
  const asked = useRef(false);
  const failed = () => {
    if (asked.current) return setGone(true);
    asked.current = true;
    room.reload(message.seq).catch(() => setGone(true));
  };
  return { gone, failed };
}
