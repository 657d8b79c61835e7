// @ts-check
import { useAttempt } from "../components/ui/attempt.js";
import { Dialog } from "../components/ui/dialog.js";
import { html, useRef, useState } from "../components/ui/view.js";
import { spanEnd } from "./spans.js";
import { useDesk, useWords } from "./words.js";

/**
 * Something that staff does to somebody, with what the server wants to know about it.
 *
 * @typedef {{reason: string, until?: string, choice: string, recipient: string}} Given `until`: RFC 3339, absent for no end
 * @typedef {object} Action
 * @property {string} title
 * @property {string} [text] what comes of it
 * @property {string} label of the button
 * @property {boolean} [danger]
 * @property {"needed" | "optional" | "none"} [reason] whether the audit log must say why; `needed` by default
 * @property {import("./spans.js").Span[]} [spans] how long it may last
 * @property {string} [spansLabel]
 * @property {{label: string, options: [string, string][]}} [choice] one of several, by value and label
 * @property {{label: string, options: [string, string][]}} [recipients] whom it is for
 * @property {string} [about] the report for which it is done: the reason that was given last for it is there to begin with
 * @property {string} [typed] an id that must be typed first, since this can't be taken back
 * @property {(given: Given) => Promise<unknown>} run
 * @property {string} done is said afterwards
 */

/** What the server takes, in characters. */
const REASON_MAX = 1000;

/** @param {{action: Action, onClose: () => void}} props */
export function ActionDialog({ action, onClose }) {
  const { t, failureText } = useWords();
  const { say, lastReasons } = useDesk();
  const { title, text, label, danger, reason: wants = "needed", spans, spansLabel = t.spans.label, choice, recipients, about, typed, run, done } = action;
  const [reason, setReason] = useState(about && wants !== "none" ? (lastReasons.get(about) ?? "") : "");
  const [given, setGiven] = useState("");
  const [mistyped, setMistyped] = useState(false);
  const typedField = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [span, setSpan] = useState(spans?.[0]);
  const [chosen, setChosen] = useState(choice?.options[0][0] ?? "");
  const [recipient, setRecipient] = useState(recipients?.options[0][0] ?? "");
  const [wrong, setWrong] = useState(false);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const { busy, failure, attempt } = useAttempt();
  // Where the dialog begins: at the first choice, or where one writes.
  const hasChoices = Boolean(recipients ?? choice ?? spans);

  /** @param {Event} event @param {() => void} close */
  const submit = async (event, close) => {
    event.preventDefault();
    if (typed !== undefined && given !== typed) {
      setMistyped(true);
      typedField.current?.focus();
      return;
    }
    if (wants === "needed" && !reason.trim()) {
      setWrong(true);
      field.current?.focus();
      return;
    }
    const answers = { reason: reason.trim(), until: span && spanEnd(span, Date.now()), choice: chosen, recipient };
    if (!(await attempt(() => run(answers)))) return;
    if (about && answers.reason) lastReasons.set(about, answers.reason);
    close();
    say(done);
  };

  /** From where one writes, too, and without a way to the button. @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) /** @type {HTMLFormElement} */ (event.currentTarget).requestSubmit();
  };

  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${(/** @type {() => void} */ close) => html`<form class="form" novalidate onKeyDown=${onKeyDown} onSubmit=${(/** @type {Event} */ event) => submit(event, close)}>
      ${text && html`<p>${text}</p>`}
      ${recipients && html`<${Choices} name="recipient" first ...${recipients} value=${recipient} choose=${setRecipient} />`}
      ${choice && html`<${Choices} name="choice" first=${!recipients} ...${choice} value=${chosen} choose=${setChosen} />`}
      ${spans && html`<${Choices} name="span" first=${!recipients && !choice} label=${spansLabel} options=${spans.map((one) => [one, t.spans.names[one]])} value=${span} choose=${setSpan} />`}
      ${typed !== undefined &&
      html`<div class="field"><label for="typed">${t.typeId(typed)}</label>
        <input id="typed" autocomplete="off" spellcheck="false" autofocus=${!hasChoices} ref=${typedField} value=${given} aria-required="true" aria-invalid=${String(mistyped)} onInput=${(/** @type {any} */ event) => (setGiven(event.currentTarget.value.trim()), setMistyped(false))} />
      </div>
      ${mistyped && html`<p class="form-failure" role="alert">${t.mistyped}</p>`}`}
      ${wants !== "none" &&
      html`<div class="field"><label for="reason">${wants === "needed" ? t.reason : t.reasonOptional}</label>
        <textarea id="reason" autofocus=${!hasChoices && typed === undefined} ref=${field} onFocus=${(/** @type {any} */ event) => about && event.currentTarget.select()} rows="2" maxlength=${REASON_MAX} value=${reason} aria-required=${String(wants === "needed")} aria-invalid=${String(wrong)} aria-describedby="reason-hint" onInput=${(/** @type {any} */ event) => (setReason(event.currentTarget.value), setWrong(false))}></textarea>
        <p class="form-hint" id="reason-hint">${t.reasonHint}</p>
      </div>`}
      ${wrong && html`<p class="form-failure" role="alert">${t.reasonNeeded}</p>`}
      ${failure && html`<p class="form-failure" role="alert">${failureText(failure)}</p>`}
      <div class="dialog-actions">
        <button type="button" class="button" onClick=${close}>${t.cancel}</button>
        <button type="submit" autofocus=${!hasChoices && wants === "none"} class="button ${danger ? "button-danger" : "button-primary"}" disabled=${busy}>${label}</button>
      </div>
    </form>`}
  <//>`;
}

/**
 * One of several.
 *
 * @param {{name: string, label: string, options: [string, string][], value: string | undefined, choose: (value: any) => void, first?: boolean}} props
 *   `first`: the dialog begins here
 */
function Choices({ name, label, options, value, choose, first = false }) {
  return html`<fieldset class="choices">
    <legend>${label}</legend>
    ${options.map(
      ([option, text]) => html`<label class="choice">
        <input type="radio" name=${name} value=${option} checked=${value === option} autofocus=${first && value === option} onChange=${() => choose(option)} />
        <span>${text}</span>
      </label>`,
    )}
  </fieldset>`;
}
