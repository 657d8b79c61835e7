// @ts-check
import { useAttempt } from "../components/ui/attempt.js";
import { html, useState } from "../components/ui/view.js";
import { Moment } from "./links.js";
import { PagedList, usePages } from "./loading.js";
import { useDesk, useWords } from "./words.js";

/** What the server takes, in characters. */
const TEXT_MAX = 4000;

/**
 * What colleagues have written about somebody or about a report, and a place to write more.
 *
 * @param {{about: import("./rest.js").NoteSubject, id: string}} props
 */
export function Notes({ about, id }) {
  const { t, moderator, failureText } = useWords();
  const { rest, say } = useDesk();
  const pages = usePages((cursor) => rest.listNotes(about, id, cursor), [about, id]);
  const [text, setText] = useState("");
  const { busy, failure, attempt } = useAttempt();

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const words = text.trim();
    if (!words) return;
    const added = await attempt(async () => {
      const note = await rest.addNote(about, id, words);
      // A list of which there is more ends elsewhere.
      if (!pages.more) pages.set([...pages.items, note]);
    });
    if (!added) return;
    setText("");
    say(t.notes.added);
  };

  return html`<section class="notes" aria-labelledby="notes-title">
    <h2 id="notes-title">${t.notes.title}</h2>
    <${PagedList} pages=${pages} empty=${t.notes.none} label=${t.notes.title}>
      ${(/** @type {import("./rest.js").Note} */ { id, text, by, createdAt }) => html`<li class="note" key=${id}><p class="words" dir="auto">${text}</p><p class="soft"><bdi>${moderator(by)}</bdi>, <${Moment} at=${createdAt} /></p></li>`}
    <//>
    <form class="form" onSubmit=${submit}>
      <label class="field"><span>${t.notes.write}</span>
        <textarea rows="2" maxlength=${TEXT_MAX} value=${text} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}></textarea>
      </label>
      ${failure && html`<p class="form-failure" role="alert">${failureText(failure)}</p>`}
      <p><button type="submit" class="button" disabled=${busy || !text.trim()}>${t.notes.add}</button></p>
    </form>
  </section>`;
}
