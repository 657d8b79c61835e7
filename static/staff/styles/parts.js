// @ts-check
import { css } from "../../components/ui/view.js";

/**
 * What the views are made of: rows of lists, facts, actions, messages and forms.
 *
 * `.message`: One member's messages stand at one edge, the other's at the other; what was reported or sought has a bar.
 */
export const parts = css`
  .soft {
    color: var(--ink-soft);
    font-size: 0.8438rem;
  }

  .block {
    display: block;
  }

  .grow {
    flex: 1;
    min-width: 0;
  }

  .centred {
    text-align: center;
  }

  .bar {
    display: flex;
    flex-wrap: wrap;
    gap: 12px;
    align-items: center;
    justify-content: space-between;
  }

  .stack {
    display: grid;
    gap: 8px;
  }

  .card {
    padding: 18px 20px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }

  .page h2,
  .report h2 {
    font-size: 1.0625rem;
  }

  .link {
    color: var(--brand);
    font-weight: 600;
    text-decoration: underline;
    text-underline-offset: 2px;
  }

  .list {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 6px;
  }

  .row {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 4px;
    width: 100%;
    padding: 10px 14px;
    border: 1px solid var(--line);
    border-radius: var(--radius-s);
    background: var(--surface);
  }

  a.row:hover,
  button.row:hover {
    border-color: var(--brand);
  }

  .row[aria-current] {
    border-color: var(--brand);
    background: var(--brand-soft);
  }

  .row[aria-current] .soft {
    color: var(--on-brand-soft);
  }

  .with-action {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    justify-content: end;
  }

  .with-action > .row {
    flex: 1 1 20rem;
    min-width: 0;
  }

  .row.person {
    display: flex;
    gap: 12px;
    align-items: center;
  }

  .line {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
    min-width: 0;
  }

  .end {
    margin-left: auto;
  }

  .excerpt {
    display: -webkit-box;
    overflow: hidden;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
    white-space: pre-line;
  }

  .queue-row .excerpt {
    -webkit-line-clamp: 2;
  }

  .excerpt mark {
    background: var(--reserved);
    color: var(--on-reserved);
    font-weight: 650;
  }

  .status-scam,
  .status-harassment {
    background: var(--signal);
    color: var(--on-signal);
  }

  .status-spam,
  .status-prohibited_item {
    background: var(--reserved);
    color: var(--on-reserved);
  }

  .filters,
  .filter-form,
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-items: end;
  }

  .field .form-hint {
    font-weight: 400;
  }

  .filter-form .field {
    flex: 0 1 18rem;
  }

  .button-quiet-danger {
    color: var(--danger);
  }

  .text-button {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    min-height: 1.75rem;
    color: var(--ink-soft);
    font-size: 0.8125rem;
    font-weight: 600;
    text-decoration: underline;
    text-underline-offset: 2px;
  }

  .text-button:hover {
    color: var(--ink);
  }

  .text-button .icon,
  .contacts .icon {
    width: 1rem;
    height: 1rem;
  }

  select {
    min-height: 2.375rem;
    padding: 6px 10px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-s);
    background: var(--surface);
    color: inherit;
    font: inherit;
    font-size: 0.875rem;
  }

  .field select {
    min-height: 2.75rem;
    font-weight: 400;
  }

  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 10px 28px;
    margin: 0;
  }

  .facts dt {
    color: var(--ink-soft);
    font-size: 0.8125rem;
  }

  .facts dd {
    margin: 0;
  }

  code {
    font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
    font-size: 0.8125rem;
  }

  .quote {
    margin: 0;
    padding: 10px 16px;
    border-left: 3px solid var(--line-strong);
    background: var(--sunken);
    white-space: pre-line;
  }

  .person-head {
    display: flex;
    flex-wrap: wrap;
    gap: 12px;
    align-items: center;
  }

  .messages {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 8px;
    margin: 0;
    padding: 0;
    list-style: none;
  }

  .message {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 3px;
    width: fit-content;
    min-width: min(100%, 14rem);
    max-width: min(88%, 40rem);
    padding: 9px 14px;
    border-radius: var(--radius-s);
    background: var(--bubble-other);
  }

  .message[data-side="end"] {
    justify-self: end;
    background: var(--bubble-own);
  }

  .message[data-side="middle"] {
    justify-self: center;
    background: var(--sunken);
  }

  .message[data-marked] {
    box-shadow: inset 4px 0 0 var(--signal);
  }

  .message[data-sought] {
    box-shadow: inset 4px 0 0 var(--brand);
  }

  .message .soft {
    color: color-mix(in srgb, var(--ink-soft) 60%, var(--ink));
  }

  .message-head,
  .message-foot {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    align-items: center;
    font-size: 0.8438rem;
  }

  .message-foot .text-button {
    margin-left: auto;
    color: inherit;
  }

  .words {
    white-space: pre-wrap;
  }

  .gone {
    font-style: italic;
  }

  .before-removal {
    padding: 6px 10px;
    border: 1px dashed var(--line-strong);
    border-radius: 8px;
  }

  .charts {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
    gap: 12px;
  }

  .chart {
    display: grid;
    gap: 6px;
    align-content: start;
    min-width: 0;
    margin: 0;
    padding: 12px 14px;
    border: 1px solid var(--line);
    border-radius: var(--radius-s);
  }

  .chart figcaption,
  .chart-range {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 8px;
    align-items: baseline;
    justify-content: space-between;
    font-size: 0.8125rem;
  }

  .chart-range {
    min-height: 1.25rem;
    font-size: 0.75rem;
  }

  .chart-now {
    font-size: 1.125rem;
    font-variant-numeric: tabular-nums;
  }

  .chart svg,
  .chart-none {
    width: 100%;
    height: 4rem;
  }

  .chart-line {
    fill: none;
    stroke: var(--brand);
    stroke-linecap: round;
    stroke-linejoin: round;
    stroke-width: 2;
    vector-effect: non-scaling-stroke;
  }

  .chart-floor {
    stroke: var(--line);
    vector-effect: non-scaling-stroke;
  }

  .table-frame {
    overflow-x: auto;
  }

  .table {
    width: 100%;
    border-collapse: collapse;
    font-size: 0.875rem;
    font-variant-numeric: tabular-nums;
  }

  .table :is(th, td) {
    padding: 8px 12px 8px 0;
    border-bottom: 1px solid var(--line);
    text-align: start;
    white-space: nowrap;
  }

  .warnings {
    list-style: none;
  }

  .edits {
    display: grid;
    gap: 6px;
    padding: 0;
    list-style: none;
  }

  .contacts {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    padding: 1px 8px;
    border-radius: 999px;
    background: var(--reserved);
    color: var(--on-reserved);
    font-size: 0.75rem;
  }

  .thumbnail img {
    max-width: 100%;
    height: auto;
    border-radius: 8px;
  }

  .notes {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 12px;
    padding-top: 8px;
  }

  .notes .notice,
  .page .notice {
    justify-items: start;
    padding: 8px 0;
    text-align: start;
  }

  .note {
    padding: 10px 14px;
    border-radius: var(--radius-s);
    background: var(--sunken);
  }

  .note .soft {
    color: color-mix(in srgb, var(--ink-soft) 60%, var(--ink));
  }

  .entry .about {
    font-size: 0.875rem;
  }

  .keys {
    display: grid;
    gap: 6px;
    margin: 0;
  }

  .keys > div {
    display: grid;
    grid-template-columns: 7rem minmax(0, 1fr);
    gap: 10px;
  }

  .keys dt,
  .keys dd {
    margin: 0;
  }

  kbd {
    display: inline-block;
    min-width: 1.5rem;
    margin-right: 4px;
    padding: 1px 6px;
    border: 1px solid var(--line-strong);
    border-radius: 6px;
    background: var(--sunken);
    font: 600 0.75rem / 1.4 var(--font);
    text-align: center;
  }

  @media (forced-colors: active) {
    .message,
    .note,
    .contacts,
    .row[aria-current] {
      border: 1px solid;
    }

    .message:is([data-marked], [data-sought]) {
      border: 3px solid Highlight;
    }
  }

  @media (width < 45rem) {
    .message {
      max-width: 94%;
    }

    .keys > div {
      grid-template-columns: 5.5rem minmax(0, 1fr);
    }
  }
`;
