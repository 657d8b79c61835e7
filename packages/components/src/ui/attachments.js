// @ts-check
import { failureText } from "./attempt.js";
import { IconButton } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** @typedef {{types: string[], bytesMax: number}} ImageLimits which images the server takes */
/** @typedef {{clientId: string, file: File, url: string, given: AbortController, share?: number, failure?: {code?: string}}} Attachment `share`: of it, so much was sent */
/** @typedef {ReturnType<typeof useAttachments>} Attachments */

/** So many pictures wait at once. */
const PICTURES_MAX = 10;
const MIB = 1024 * 1024;

/**
 * The pictures that were chosen for a room, and sending them.
 *
 * @param {import("@haggle/client").Room} room
 * @param {ImageLimits | undefined} limits
 */
export function useAttachments(room, limits) {
  const { t } = useLanguage();
  const list = useRef(/** @type {Attachment[]} */ ([]));
  const [, changed] = useState({});
  const [refused, setRefused] = useState(/** @type {string[]} */ ([]));
  const [busy, setBusy] = useState(false);
  useEffect(() => () => list.current.forEach(giveUp), []);

  /** @param {Attachment[]} next */
  const set = (next) => {
    list.current = next;
    changed({});
  };
  /** @param {Attachment} picture @param {Partial<Attachment>} change */
  const update = (picture, change) => set(list.current.map((one) => (one.clientId === picture.clientId ? { ...one, ...change } : one)));
  /** @param {Attachment} picture */
  const remove = (picture) => {
    giveUp(picture);
    set(list.current.filter(({ clientId }) => clientId !== picture.clientId));
  };

  /** @param {File} file @param {number} place */
  const reasonAgainst = ({ type, size }, place) => {
    if (!limits?.types.includes(type)) return t.image.failure.invalid;
    if (size > limits.bytesMax) return t.image.larger(Math.floor(limits.bytesMax / MIB));
    return place >= PICTURES_MAX ? t.image.tooMany(PICTURES_MAX) : undefined;
  };
  /** @param {Iterable<File>} files */
  const add = (files) => {
    const next = [...list.current];
    const sentences = [];
    for (const file of files) {
      const reason = reasonAgainst(file, next.length);
      if (reason) sentences.push(t.image.refused(file.name, reason));
      else next.push({ clientId: room.newClientId(), file, url: URL.createObjectURL(file), given: new AbortController() });
    }
    set(next);
    setRefused(sentences);
  };

  /** @param {Attachment} picture @param {string} text @param {number} [replyTo] @returns {Promise<"sent" | "removed" | "failed">} */
  const sendOne = async (picture, text, replyTo) => {
    const { file, clientId, given } = picture;
    update(picture, { share: 0, failure: undefined });
    try {
      await room.sendImage(file, { clientId, text, replyTo, signal: given.signal, onProgress: (share) => update(picture, { share }) });
    } catch (error) {
      if (given.signal.aborted) return "removed";
      // What is not an answer of the server's is a fault of the page, and the error bar's business.
      if (typeof (/** @type {any} */ (error)?.code) !== "string") throw error;
      update(picture, { share: undefined, failure: /** @type {{code: string}} */ (error) });
      return "failed";
    }
    remove(picture);
    return "sent";
  };
  /**
   * Sends them one after the other, so that they arrive in their order, and words and what they reply to with the last one.
   *
   * @param {string} text
   * @param {number} [replyTo]
   * @returns {Promise<boolean>} whether the words were sent
   */
  const send = async (text, replyTo) => {
    setBusy(true);
    setRefused([]);
    try {
      for (let [picture] = list.current; picture; [picture] = list.current) {
        const isLast = list.current.length === 1;
        const outcome = await sendOne(picture, isLast ? text : "", isLast ? replyTo : undefined);
        if (outcome === "failed") return false;
        if (outcome === "sent" && isLast) return true;
      }
      return false;
    } finally {
      setBusy(false);
    }
  };

  return { pictures: list.current, refused, busy, add, remove, send };
}

/** @param {Attachment} picture */
function giveUp({ given, url }) {
  given.abort();
  URL.revokeObjectURL(url);
}

/**
 * The chosen pictures before and while they are sent.
 *
 * @param {{attachments: Attachments, onRemove: () => void}} props
 */
export function AttachmentTray({ attachments: { pictures, refused, remove }, onRemove }) {
  const { t } = useLanguage();
  const failed = pictures.flatMap(({ file, failure }) => (failure ? [t.image.refused(file.name, failureText(failure, t, t.image.failure))] : []));
  return html`${pictures.length > 0 &&
    html`<ul class="chosen" aria-label=${t.image.chosen}>
      ${pictures.map((picture) => {
        const { clientId, file, url, share } = picture;
        return html`<li key=${clientId}>
          <img src=${url} alt=${file.name} title=${file.name} />
          ${share !== undefined && html`<progress max="1" value=${share} aria-label=${t.image.sending}></progress>`}
          <${IconButton} icon="close" label=${t.image.remove(file.name)} class="chosen-remove" onClick=${() => (remove(picture), onRemove())} />
        </li>`;
      })}
    </ul>`}
    ${[...refused, ...failed].map((sentence) => html`<p key=${sentence} class="form-failure composer-failure" role="alert">${sentence}</p>`)}`;
}

/**
 * Lets files be dropped onto an element.
 *
 * @param {((files: FileList) => void) | undefined} onFiles nothing where none are taken
 * @returns {{isOver: boolean, handlers: Record<string, (event: DragEvent) => void>}}
 */
export function useDrop(onFiles) {
  const [isOver, setOver] = useState(false);
  const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => onFiles !== undefined && dataTransfer !== null && dataTransfer.types.includes("Files");
  const onDragOver = (/** @type {DragEvent} */ event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const onDragLeave = (/** @type {DragEvent} */ { currentTarget, relatedTarget }) => {
    // From one of its elements to another, one is still over it.
    if (!(/** @type {Element} */ (currentTarget).contains(/** @type {Node | null} */ (relatedTarget)))) setOver(false);
  };
  const onDrop = (/** @type {DragEvent} */ event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    onFiles?.(/** @type {DataTransfer} */ (event.dataTransfer).files);
  };
  return { isOver, handlers: { onDragOver, onDragLeave, onDrop } };
}
