// @ts-check
import { useLanguage } from "./language.js";
import { html, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").ImageMessage & {data: import("@haggle/client").ImageInfo}} PictureMessage */
/** @typedef {import("@haggle/client").Room} Room */

/** The longest side of the server's thumbnails. */
const THUMBNAIL_PX = 320;
/** The box that a picture in the history fits into. */
const BOX = { width: 300, height: THUMBNAIL_PX };

/**
 * @param {import("@haggle/client").Message} message
 * @returns {message is PictureMessage}
 */
export function isPicture({ kind, data, deletedAt }) {
  return kind === "image" && !deletedAt && Boolean(data?.thumbnailUrl);
}

/**
 * A picture that somebody sent, small, as sharp as the screen.
 *
 * @param {{message: PictureMessage, alt: string, room: Room, enlarge: (message: PictureMessage) => void}} props
 */
export function Picture({ message, alt, room, enlarge }) {
  const { t } = useLanguage();
  const { failed } = useFreshAddress(message, room);
  const { url, thumbnailUrl, width, height } = message.data;
  const shrink = (/** @type {number} */ scale) => Math.round(width * Math.min(1, scale));
  const shown = shrink(Math.min(BOX.width / width, BOX.height / height));
  return html`<button type="button" class="image" aria-haspopup="dialog" aria-label=${t.image.enlarge(alt)} onClick=${() => enlarge(message)}>
    <img src=${thumbnailUrl} srcset=${`${thumbnailUrl} ${shrink(THUMBNAIL_PX / Math.max(width, height))}w, ${url} ${width}w`}
      sizes=${`${shown}px`} width=${shown} height=${Math.round((shown * height) / width)} alt=${alt} loading="lazy" onError=${failed} />
  </button>`;
}

/**
 * The addresses of a picture are good for a day, and a page may stay open for longer: each reading of the message brings
 * fresh ones.
 *
 * @param {PictureMessage} message
 * @param {Room} room
 */
export function useFreshAddress(message, room) {
  const [gone, setGone] = useState(false);
  const asked = useRef(false);
  const failed = () => {
    if (asked.current) return setGone(true);
    asked.current = true;
    room.reload(message.seq).catch(() => setGone(true));
  };
  return { gone, failed };
}
