// @ts-check
import { failureText, useAttempt } from "./attempt.js";
import { draftOf, keepDraft } from "./composer_drafts.js";
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/** @typedef {import("@haggle/client").Message} Message */

/**
 * @param {{room: import("@haggle/client").Room, other: import("@haggle/client").User, editing?: Message,
 *   endEdit: () => void, makeOffer?: () => void, canSendImages: boolean, imageTypes: string[], takesFocus: boolean}} props
 *   `editing` is the message whose words are being changed, `makeOffer` is missing where nothing can be offered
 */
export function Composer({ room, other, editing, endEdit, makeOffer, canSendImages, imageTypes, takesFocus }) {
  const { t } = useLanguage();
  const [text, setText] = useState(() => draftOf(room.ownUserId, room.id));
  /** @param {string} written */
  const write = (written) => {
    setText(written);
    keepDraft(room.ownUserId, room.id, written);
  };
  const [changed, setChanged] = useState("");
  const [picture, setPicture] = useState(/** @type {{file: File, url: string, clientId: string} | undefined} */ (undefined));
  const { busy, failure, attempt, forget } = useAttempt();
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const chooser = useRef(/** @type {HTMLInputElement | null} */ (null));
  // On a screen keyboard Enter starts a line, as in every other messenger there; the button sends.
  const touch = matchMedia("(pointer: coarse)").matches;
  const words = editing ? changed : text;

  useEffect(() => {
    // A focused field would raise the screen keyboard over the history that one came to read.
    if (takesFocus && !touch) field.current?.focus({ preventScroll: true });
  }, []);

  useEffect(() => {
    forget();
    if (!editing) return;
    setChanged(editing.text ?? "");
    field.current?.focus();
  }, [editing?.id]);

  useEffect(() => () => void (picture && URL.revokeObjectURL(picture.url)), [picture]);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [words]);

  const send = async () => {
    const said = words.trim();
    if (editing) {
      if (said === "") return;
      if (said === editing.text || (await attempt(() => room.edit(editing.id, said)))) endEdit();
    } else if (!picture) {
      if (said === "") return;
      room.send(said);
      write("");
    }
    field.current?.focus();
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Escape" && editing) return endEdit();
    // While Korean, Japanese or Chinese is composed, Enter ends the syllable and is not ours. Safari ends the composition
    // first, and tells by the key code alone.
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

  /** @param {Iterable<File> | null | undefined} files */
  const choose = (files) => {
    // What the server does not take is chosen all the same, and refused in words.
    const file = [...(files ?? [])].find(({ type, name }) => type.startsWith("image/") || /\.(heic|heif|avif)$/i.test(name));
    if (!file || !canSendImages || editing) return false;
    forget();
    setPicture({ file, url: URL.createObjectURL(file), clientId: room.newClientId() });
    return true;
  };

  return html`<form class="composer" part="composer" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), void send())}>
    ${editing &&
    html`<div class="composer-bar">
      <${Icon} name="edit" /><span id="composer-editing">${t.editing}</span>
      <button type="button" class="bar-button" onClick=${endEdit}>${t.cancel}</button>
    </div>`}
    ${editing && failure && html`<p class="form-failure composer-failure" role="alert">${failureText(failure, t, { conflict: t.editFailed, forbidden: t.editFailed, not_found: t.editFailed })}</p>`}
    ${picture && !editing && html`<${Picture} key=${picture.url} room=${room} picture=${picture} remove=${() => (setPicture(undefined), field.current?.focus())} />`}
    <div class="composer-box">
      ${canSendImages &&
      !editing &&
      html`<input
          ref=${chooser}
          class="visually-hidden"
          type="file"
          tabindex="-1"
          aria-hidden="true"
          accept=${imageTypes.join()}
          onChange=${(/** @type {any} */ event) => {
            choose(event.currentTarget.files);
            event.currentTarget.value = "";
          }}
        />
        <button type="button" class="composer-tool" aria-label=${t.image.add} title=${t.image.add} onClick=${() => chooser.current?.click()}><${Icon} name="image" /></button>`}
      ${makeOffer &&
      !editing &&
      html`<button type="button" class="composer-tool" aria-haspopup="dialog" title=${t.offer.make} onClick=${makeOffer}>
        <${Icon} name="offer" /><span class="composer-tool-label">${t.offer.short}</span>
      </button>`}
      <textarea
        ref=${field}
        part="field"
        rows="1"
        value=${words}
        placeholder=${editing ? t.editing : t.writeTo(other.name)}
        aria-label=${editing ? t.editing : t.writeTo(other.name)}
        aria-describedby=${touch ? undefined : "composer-hint"}
        autocomplete="off"
        enterkeyhint=${touch ? "enter" : "send"}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
        onPaste=${(/** @type {ClipboardEvent} */ event) => choose(event.clipboardData?.files) && event.preventDefault()}
      ></textarea>
      <button type="submit" class="send" part="send" aria-label=${editing ? t.save : t.send} disabled=${words.trim() === "" || busy || Boolean(picture && !editing)}><${Icon} name=${editing ? "check" : "send"} /></button>
    </div>
    ${!touch && html`<p class="composer-hint" id="composer-hint">${t.enterHint}</p>`}
  </form>`;
}

/**
 * A chosen picture before and while it is sent.
 *
 * @param {{room: import("@haggle/client").Room, picture: {file: File, url: string, clientId: string}, remove: () => void}} props
 */
function Picture({ room, picture: { file, url, clientId }, remove }) {
  const { t, format } = useLanguage();
  const [share, setShare] = useState(0);
  const { busy, failure, attempt } = useAttempt();
  const given = useRef(new AbortController());
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    button.current?.focus();
    return () => given.current.abort();
  }, []);

  const send = async () => {
    if (await attempt(() => room.sendImage(file, { clientId, onProgress: setShare, signal: given.current.signal }))) remove();
  };

  return html`<div class="chosen" role="group" aria-label=${t.image.chosen(file.name)}>
    <img src=${url} alt="" />
    <div class="chosen-text">
      <p class="chosen-name plain-line" dir="auto">${file.name}</p>
      ${busy && html`<p class="chosen-progress"><progress max="1" value=${share} aria-label=${t.image.sending}></progress><span aria-hidden="true">${format.percent(share)}</span></p>`}
      ${failure && html`<p class="form-failure" role="alert">${failureText(failure, t, t.image.failure)}</p>`}
    </div>
    <button type="button" class="icon-button" aria-label=${t.image.remove} onClick=${remove}><${Icon} name="close" /></button>
    <button type="button" ref=${button} class="button button-primary" disabled=${busy} onClick=${send}>${failure ? t.tryAgain : t.send}</button>
  </div>`;
}
