// @ts-check
import { useAttempt } from "../../components/ui/attempt.js";
import { Icon } from "../../components/ui/icons.js";
import { named } from "../../components/ui/message_text.js";
import { html, useEffect, useRef, useState } from "../../components/ui/view.js";
import { keepDraft, readDraft } from "../drafts.js";
import { useDesk, useWords } from "../words.js";

/**
 * Where a member of the staff who has joined writes to both members. It stays at the bottom of the page.
 *
 * @param {{live: ReturnType<typeof import("../live.js").useLive>, refresh: () => Promise<void>, showEnd: () => Promise<void>, takesFocus: boolean, unseen: number, toUnseen: () => void}} props
 *   `showEnd` takes the place of an earlier part; `takesFocus`: they have joined just now
 */
export function Composer({ live, refresh, showEnd, takesFocus, unseen, toUnseen }) {
  const { t, chat, failureText } = useWords();
  const room = live.room.id;
  const { rest, me } = useDesk();
  const [text, setText] = useState(() => readDraft(me.id, room));
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  /** Of what is being written: sent twice, it is stored once. */
  const clientId = useRef(crypto.randomUUID());
  const { busy, failure, attempt } = useAttempt();
  const typists = [live.room.buyer, live.room.seller].filter(({ id }) => live.typists.includes(id));
  const isLossSaid = useRef(false);
  useEffect(() => {
    // While nobody looks there is no connection, which is nothing to speak of.
    const isLost = live.state === "lost" && !document.hidden;
    if (isLost || (live.state === "live" && isLossSaid.current)) live.announce([t.conversation.states[live.state]]);
    if (live.state !== "connecting") isLossSaid.current = isLost;
  }, [live.state]);
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
    if (!(await attempt(async () => live.take(await rest.sendMessage(room, { text, clientId: clientId.current }))))) return;
    clientId.current = crypto.randomUUID();
    write("");
    // One's own message is always shown, and it is at the end.
    if ((live.messages.at(-1)?.seq ?? 0) < live.room.lastSeq) await showEnd();
    else if (live.state !== "live") await refresh();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) /** @type {HTMLFormElement} */ (event.currentTarget).requestSubmit();
  };
  return html`<form class="form composer-bar" onSubmit=${submit} onKeyDown=${onKeyDown}>
    ${unseen > 0 && html`<p class="centred"><button type="button" class="button" onClick=${toUnseen}>${chat.t.newMessages(unseen)}<${Icon} name="down" /></button></p>`}
    <p class="form-hint live-state">${typists.length > 0 ? typists.map((user) => chat.t.isTyping(named(user, chat.t).name)).join(" ") : t.conversation.states[live.state]}</p>
    <label class="field"><span>${t.conversation.write}</span>
      <textarea rows="2" ref=${field} value=${text} aria-describedby="composer-hint" onInput=${(/** @type {any} */ event) => write(event.currentTarget.value)}></textarea>
    </label>
    ${failure && html`<p class="form-failure" role="alert">${failure.code === "forbidden" ? t.conversation.notInIt : failureText(failure)}</p>`}
    <div class="bar"><p class="form-hint" id="composer-hint">${t.conversation.writeHint}</p><button type="submit" class="button" disabled=${busy || !text.trim()}>${t.conversation.send}</button></div>
  </form>`;
}
