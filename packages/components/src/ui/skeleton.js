// @ts-check
import { useLanguage } from "./language.js";
import { html } from "./view.js";

/** Where a history will stand: shapes for the eye, and a word for a screen reader. */
export function HistorySkeleton() {
  const { t } = useLanguage();
  return html`<div class="skeleton" role="status">
    <span class="visually-hidden">${t.loading}</span>
    <i></i><i data-own></i><i></i><i data-own></i><i></i>
  </div>`;
}

/** A conversation of which nothing is known yet. */
export function ConversationSkeleton() {
  const { t } = useLanguage();
  return html`<section class="pane conversation" part="conversation" aria-label=${t.chats}>
    <div class="conversation-head skeleton" aria-hidden="true"><i></i><i></i></div>
    <div class="history"><${HistorySkeleton} /></div>
  </section>`;
}
