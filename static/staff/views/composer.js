// @ts-check
import { useAttempt } from "../../components/ui/attempt.js";
import { html, useEffect, useRef, useState } from "../../components/ui/view.js";
import { keepDraft, readDraft } from "../drafts.js";
import { useDesk, useWords } from "../words.js";

/**
 * Where a member of the staff who has joined writes to both members. It stays at the bottom of the page.
 *
 * @param {{room: string, refresh: () => Promise<void>, takesFocus: boolean}} props
 *   `takesFocus`: they have joined just now
 */
export function Composer({ room, refresh, takesFocus }) {
  const { t, failureText } = useWords();
  const { rest, me } = useDesk();
  const [text, setText] = useState(() => readDraft(me.id, room));
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  /** Of what is being written: sent twice, it is stored once. */
  const clientId = useRef(crypto.randomUUID());
  const { busy, failure, attempt } = useAttempt();
  useEffect(() => {
    if (!takesFocus) return;
    const focus = () => field.current?.focus();
    const dialog = document.querySelector("dialog[open]");
    // The dialog gives the focus back to where it was, first.
    if (dialog) dialog.addEventListener("close", focus, { once: true });
    else focus();
  }, []);

  /** @param {string} next */
  const write = (next) => {
    setText(next);
    keepDraft(me.id, room, next);
  };
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy || !text.trim()) return;
    if (!(await attempt(() => rest.sendMessage(room, { text, clientId: clientId.current })))) return;
    clientId.current = crypto.randomUUID();
    write("");
    await refresh();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) /** @type {HTMLFormElement} */ (event.currentTarget).requestSubmit();
  };
  return html`<form class="form composer-bar" onSubmit=${submit} onKeyDown=${onKeyDown}>
    <p class="form-hint">${t.conversation.notLive}</p>
    <label class="field"><span>${t.conversation.write}</span>
      <textarea rows="2" ref=${field} value=${text} aria-describedby="composer-hint" onInput=${(/** @type {any} */ event) => write(event.currentTarget.value)}></textarea>
    </label>
    ${failure && html`<p class="form-failure" role="alert">${failure.code === "forbidden" ? t.conversation.notInIt : failureText(failure)}</p>`}
    <div class="bar"><p class="form-hint" id="composer-hint">${t.conversation.writeHint}</p><button type="submit" class="button" disabled=${busy || !text.trim()}>${t.conversation.send}</button></div>
  </form>`;
}
