// @ts-check
import { css } from "./css.js";

/** Dialogs, forms and switches. */
export const dialogs = css`
  /* Dialog */
  .dialog {
    width: min(520px, calc(100vw - 24px));
    max-height: min(760px, calc(100dvh - 24px));
    padding: 0;
    border: 1px solid var(--line);
    border-radius: 24px;
    background: var(--surface);
    box-shadow: var(--shadow-high);
    color: var(--ink);
  }

  .dialog::backdrop {
    background: rgb(20 18 12 / 45%);
  }

  .dialog-body {
    display: grid;
    gap: 18px;
    padding: 20px 24px 24px;
  }

  .dialog-head,
  .dialog-foot {
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    align-items: center;
    justify-content: space-between;
  }

  .dialog-head h2 {
    font-size: 19px;
  }

  .dialog-head .icon-button {
    margin-right: -10px;
  }

  .button:disabled {
    opacity: 0.55;
  }

  .button-danger {
    background: var(--danger);
    color: var(--surface);
  }

  .button-danger:hover {
    background: color-mix(in srgb, var(--danger) 85%, var(--ink));
  }

  /* Forms and dialogs */
  .dialog-small {
    width: min(430px, calc(100vw - 24px));
  }

  .dialog-actions {
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    align-items: center;
    justify-content: flex-end;
  }

  .dialog-actions .form-hint {
    flex: 1;
    min-width: 120px;
  }

  .form {
    display: grid;
    gap: 14px;
  }

  .form-hint {
    color: var(--ink-soft);
    font-size: 13.5px;
  }

  .form-hint:empty {
    display: none;
  }

  .form-failure {
    color: var(--danger);
    font-size: 13.5px;
    font-weight: 550;
  }

  .form-done {
    font-size: 16px;
    font-weight: 650;
  }

  .form-done:focus {
    outline: none;
  }

  .field {
    display: grid;
    gap: 6px;
    font-size: 13.5px;
    font-weight: 600;
  }

  .field :is(input, textarea) {
    width: 100%;
    padding: 10px 14px;
    border: 1px solid var(--line-strong);
    border-radius: 14px;
    background: var(--surface);
    color: inherit;
    font: 400 16px / 1.4 var(--font);
    resize: vertical;
  }

  .field .amount {
    font-size: 26px;
    font-weight: 700;
    font-variant-numeric: tabular-nums;
    letter-spacing: -0.02em;
  }

  .field [aria-invalid="true"] {
    border-color: var(--danger);
  }

  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }

  .chip {
    flex: 1 0 auto;
    min-height: 36px;
    padding: 6px 8px;
    border: 1px solid var(--line);
    border-radius: 999px;
    font-size: 13.5px;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
    text-align: center;
  }

  .chip:hover {
    background: var(--hover);
  }

  .chip[aria-pressed="true"] {
    border-color: var(--brand);
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .choices {
    display: grid;
    gap: 2px;
    margin: 0;
    padding: 0;
    border: 0;
  }

  .choices legend {
    margin-bottom: 6px;
    padding: 0;
    font-size: 13.5px;
    font-weight: 600;
  }

  .choice {
    display: flex;
    gap: 10px;
    align-items: center;
    min-height: 38px;
    cursor: pointer;
  }

  .choice input {
    width: 19px;
    height: 19px;
    margin: 0;
    flex: none;
    accent-color: var(--brand);
  }

  .settings {
    display: grid;
    gap: 4px;
    padding-top: 16px;
    border-top: 1px solid var(--line);
  }

  .settings h2 {
    color: var(--ink-soft);
    font-size: 13px;
    font-weight: 650;
    letter-spacing: 0;
  }

  .switch {
    display: flex;
    gap: 16px;
    align-items: center;
    justify-content: space-between;
    min-height: 40px;
    cursor: pointer;
  }

  .switch input {
    position: relative;
    width: 44px;
    height: 26px;
    margin: 0;
    flex: none;
    border-radius: 999px;
    background: var(--line-strong);
    appearance: none;
    cursor: pointer;
    transition: background-color 0.15s;
  }

  .switch input::before {
    content: "";
    position: absolute;
    top: 3px;
    left: 3px;
    width: 20px;
    height: 20px;
    border-radius: 50%;
    background: var(--surface);
    transition: transform 0.15s;
  }

  .switch input:checked {
    background: var(--brand);
  }

  .switch input:checked::before {
    transform: translateX(18px);
  }

  /* A phone whose page is zoomed to twice its size. A dialog stands in the window, so the window's width counts. */
  @media (max-width: 299px) {
    .dialog-head {
      flex-wrap: nowrap;
    }
  }
`;
