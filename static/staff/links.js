// @ts-check
import { html } from "../components/ui/view.js";
import { named } from "../components/ui/message_text.js";
import { addressOf } from "./places.js";
import { useDesk, useWords } from "./words.js";

/** A person, by the name if that was read. @param {{id: string, user?: import("@haggle/client").User}} props */
export function PersonLink({ id, user }) {
  const { people } = useDesk();
  const { chat } = useWords();
  const known = named(user ?? people.get(id), chat.t);
  return html`<a class="link" href=${addressOf({ view: "person", id })}><bdi>${known?.name ?? id}</bdi></a>`;
}

/** @param {{id: string, seq?: number, children?: any}} props */
export function ConversationLink({ id, seq, children }) {
  const { t } = useWords();
  return html`<a class="link" href=${addressOf({ view: "conversation", id, seq })}>${children ?? t.conversation.link}</a>`;
}

/** @param {{id: string, title?: string}} props */
export function ProductLink({ id, title }) {
  return html`<a class="link" href=${addressOf({ view: "product", id })}><bdi>${title ?? id}</bdi></a>`;
}

/** @param {{id: string}} props */
export function ReportLink({ id }) {
  const { t } = useWords();
  return html`<a class="link" href=${addressOf({ view: "report", id })}>${t.report.link}</a>`;
}

/** A moment: the shortest that says when, or the whole of it. @param {{at: string, short?: boolean}} props */
export function Moment({ at, short }) {
  const { moment, chat } = useWords();
  return html`<time datetime=${at} title=${short ? moment(at) : undefined}>${short ? chat.format.short(at) : moment(at)}</time>`;
}
