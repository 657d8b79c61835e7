// @ts-check
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/** What was being written in each room, for as long as the page lives. @type {Map<string, string>} */
const unfinished = new Map();

/**
 * @param {{room: import("../client/room.js").Room, other: import("../client/types.js").User}} props
 */
export function Composer({ room, other }) {
  const { t } = useLanguage();
  const key = `${room.ownUserId} ${room.id}`;
  const [text, setText] = useState(unfinished.get(key) ?? "");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  // On a screen keyboard Enter starts a line, as in every other messenger there; the button sends.
  const touch = matchMedia("(pointer: coarse)").matches;

  useEffect(() => {
    if (text) unfinished.set(key, text);
    else unfinished.delete(key);
  }, [key, text]);

  useEffect(() => {
    // A focused field would raise the screen keyboard over the history that one came to read.
    if (!touch) field.current?.focus({ preventScroll: true });
  }, []);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const send = () => {
    if (text.trim() === "") return;
    room.send(text.trim());
    setText("");
    field.current?.focus();
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    // While Korean, Japanese or Chinese is composed, Enter ends the syllable and is not ours.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch) return;
    event.preventDefault();
    send();
  };

  /** @param {InputEvent} event */
  const onInput = (event) => {
    const { value } = /** @type {HTMLTextAreaElement} */ (event.currentTarget);
    setText(value);
    room.setTyping(value.trim() !== "");
  };

  return html`<form class="composer" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
    <div class="composer-box">
      <textarea
        ref=${field}
        rows="1"
        value=${text}
        placeholder=${t.writeTo(other.name)}
        aria-label=${t.writeTo(other.name)}
        aria-describedby=${touch ? undefined : "composer-hint"}
        autocomplete="off"
        enterkeyhint=${touch ? "enter" : "send"}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
      ></textarea>
      <button type="submit" class="send" aria-label=${t.send} disabled=${text.trim() === ""}><${Icon} name="send" /></button>
    </div>
    ${!touch && html`<p class="composer-hint" id="composer-hint">${t.enterHint}</p>`}
  </form>`;
}
