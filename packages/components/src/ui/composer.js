// @ts-check
import { MenuButton } from "./menu.js";
import { quoteOf } from "./message_group.js";
import { Icon } from "./icons.js";
import { AttachmentTray } from "./attachments.js";
import { useLanguage } from "./language.js";
import { Failure, useAttempt } from "./attempt.js";
import { uneditable } from "./message_text.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */

/** A phrase in a menu is cut after so many characters. */
const LABEL_MAX = 60;
/** So close to the limit, what is left is shown. */
const NEAR_BYTES = 1024;
const encoder = new TextEncoder();

let usedLast = false;
// At the window, so that nothing on the page can keep an event from being noticed.
globalThis.addEventListener?.("keydown", () => void (usedLast = true), true);
globalThis.addEventListener?.("pointerdown", () => void (usedLast = false), true);

/**
 * @param {{room: import("@haggle/client").Room, other: import("@haggle/client").User, unfinished: import("./composer_drafts.js").Unfinished, editing?: Message,
 *   endEdit: () => void, replied?: Message, endReply: () => void, phrases: import("./phrases.js").Phrases, editPhrases: () => void, makeOffer?: () => void, question?: string, images?: import("./attachments.js").ImageLimits,
 *   attachments: import("./attachments.js").Attachments, messageBytesMax: number, takesFocus: boolean}} props
 *   `editing` is the message whose words are being changed; `makeOffer` is missing where nothing can be
 *   offered, `question` is a first one to send as it is
 */
export function Composer({ room, other, unfinished: { text, write }, editing, endEdit, replied, endReply, phrases, editPhrases, makeOffer, question, images, attachments, messageBytesMax, takesFocus }) {
  const language = useLanguage();
  const { t } = language;
  const [changed, setChanged] = useState("");
  const [showsRing, setRing] = useState(false);
  const { busy, failure, attempt, forget } = useAttempt();
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  // On a screen keyboard Enter starts a line, as in every other messenger there; the button sends.
  const touch = matchMedia("(pointer: coarse)").matches;
  const words = editing ? changed : text;
  const said = words.trim();
  const left = charactersLeft(said, messageBytesMax);
  const isTooLong = left !== undefined && left < 0;
  const hasPictures = !editing && attachments.pictures.length > 0;
  const focus = () => field.current?.focus({ preventScroll: true });
  const bar = editing ? t.editing : replied && t.replyTo(quoteOf(replied, room, other, language));
  const endBar = editing ? endEdit : endReply;

  useEffect(() => {
    // A focused field would raise the screen keyboard over the history that one came to read.
    if (takesFocus && !touch) focus();
  }, []);

  useEffect(() => {
    forget();
    if (!editing) return;
    setChanged(editing.text ?? "");
    focus();
  }, [editing?.id]);

  useEffect(() => void (replied && focus()), [replied?.id]);

  // The chooser gives the focus back to its button, where Enter would open it again.
  useEffect(() => void (hasPictures && !touch && focus()), [hasPictures]);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [words]);

  const send = async () => {
    focus();
    if (isTooLong || busy || attachments.busy) return;
    if (editing) {
      if (said === "") return;
      if (said === editing.text || (await attempt(() => room.edit(editing.id, said)))) endEdit();
    } else if (hasPictures) {
      if (!(await attachments.send(said, replied?.seq))) return;
      write("");
      endReply();
    } else if (said !== "") {
      room.send({ text: said, replyTo: replied?.seq });
      write("");
      endReply();
    }
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Escape" && bar) return endBar();
    // While Korean, Japanese or Chinese is composed, Enter ends the syllable and is not ours. Safari ends the composition
    // first, and shows it by the key code alone.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229 || touch) return;
    event.preventDefault();
    void send();
  };

  /** @param {InputEvent} event */
  const onInput = (event) => {
    const { value } = /** @type {HTMLTextAreaElement} */ (event.currentTarget);
    if (editing) return setChanged(value);
    write(value);
    room.setTyping(value.trim() !== "");
  };

  /** @param {ClipboardEvent} event */
  const onPaste = (event) => {
    const { files, types } = event.clipboardData ?? {};
    // An office program puts a picture of a text next to the text.
    if (!images || editing || !files?.length || types?.includes("text/plain")) return;
    event.preventDefault();
    attachments.add(files);
  };

  return html`<form class="composer" part="composer" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), void send())}>
    ${bar &&
    html`<div class="composer-bar">
      <${Icon} name=${editing ? "edit" : "reply"} /><span id="composer-bar" class="plain-line">${bar}</span>
      <button type="button" class="bar-button" onClick=${() => (endBar(), focus())}>${t.cancel}</button>
    </div>`}
    ${editing && html`<${Failure} of=${failure} class="composer-failure" words=${uneditable(t)} />`}
    ${!editing && html`<${AttachmentTray} attachments=${attachments} onRemove=${focus} />`}
    ${question && html`<p class="composer-question"><button type="button" class="chip" onClick=${() => (room.send(question), focus())}>${question}</button></p>`}
    <div class="composer-box" data-ring=${showsRing ? "" : undefined}>
      ${!editing && images && html`<${PictureButton} types=${images.types} add=${attachments.add} />`}
      ${!editing && html`<${PhrasesButton} saved=${phrases} edit=${editPhrases} text=${said} insert=${(/** @type {string} */ phrase) => (write(text === "" || /\s$/.test(text) ? text + phrase : `${text} ${phrase}`), focus())} />`}
      ${makeOffer &&
      !editing &&
      html`<button type="button" class="composer-tool" aria-haspopup="dialog" title=${t.offer.make} onClick=${makeOffer}>
        <${Icon} name="offer" /><span class="composer-tool-label">${t.offer.short}</span>
      </button>`}
      <textarea ref=${field} part="field" rows="1" value=${words} placeholder=${editing ? t.editing : t.writeTo(other.name)}
        aria-label=${editing ? t.editing : t.writeTo(other.name)} aria-describedby="composer-bar composer-limit"
        aria-invalid=${isTooLong ? "true" : undefined} readonly=${attachments.busy} autocomplete="off"
        enterkeyhint=${touch ? "enter" : "send"} onInput=${onInput} onKeyDown=${onKeyDown} onPaste=${onPaste}
        onFocus=${() => setRing(isKeyboardUsed())} onBlur=${() => setRing(false)}></textarea>
      <button type="submit" class="icon-button send" part="send" aria-label=${editing ? t.save : t.send}
        title=${touch ? undefined : t.enterHint} disabled=${(said === "" && !hasPictures) || isTooLong || busy || attachments.busy}><${Icon} name=${editing ? "check" : "send"} /></button>
    </div>
    <p class="composer-limit" id="composer-limit" data-over=${isTooLong ? "" : undefined}>${left !== undefined && t.charactersLeft(left)}</p>
    <p class="visually-hidden" role="status">${isTooLong && t.failure.too_large}</p>
  </form>`;
}

/** @param {{types: string[], add: (files: Iterable<File>) => void}} props */
function PictureButton({ types, add }) {
  const { t } = useLanguage();
  const chooser = useRef(/** @type {HTMLInputElement | null} */ (null));
  return html`<input
      ref=${chooser}
      class="visually-hidden"
      type="file"
      multiple
      tabindex="-1"
      aria-hidden="true"
      accept=${types.join()}
      onChange=${(/** @type {any} */ event) => {
        add(event.currentTarget.files);
        event.currentTarget.value = "";
      }}
    />
    <button type="button" class="composer-tool" aria-label=${t.image.add} title=${t.image.add} onClick=${() => chooser.current?.click()}><${Icon} name="image" /></button>`;
}

/**
 * The sentences that somebody has saved.
 *
 * @param {{saved: import("./phrases.js").Phrases, edit: () => void, text: string, insert: (phrase: string) => void}} props `text` is what could be saved
 */
function PhrasesButton({ saved, edit, text, insert }) {
  const { t } = useLanguage();
  const items = () => [
    ...saved.phrases.map((phrase) => ({ label: phrase.length > LABEL_MAX ? `${phrase.slice(0, LABEL_MAX)}…` : phrase, choose: () => insert(phrase) })),
    ...(saved.canAdd(text) ? [{ label: t.phrases.save, icon: "phrases", choose: () => saved.add(text) }] : []),
    { label: t.phrases.edit, icon: "edit", choose: edit },
  ];
  return html`<${MenuButton} class="composer-tool" label=${t.phrases.title} items=${items}><${Icon} name="phrases" /><//>`;
}

/**
 * How many more characters like those of a text fit into a message, whose limit is in bytes of UTF-8: a Korean syllable has three.
 *
 * @param {string} text
 * @param {number} bytesMax
 * @returns {number | undefined} negative where it is too long, nothing while there is plenty of room
 */
function charactersLeft(text, bytesMax) {
  const bytes = encoder.encode(text).length;
  return bytes > bytesMax - NEAR_BYTES ? Math.floor(((bytesMax - bytes) * text.length) / bytes) : undefined;
}

/** Whether what happens now comes from the keyboard. To a browser every focus in a text field is `:focus-visible`, also by a finger. */
function isKeyboardUsed() {
  return usedLast;
}
