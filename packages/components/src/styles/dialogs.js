// @ts-check
import { css } from "../ui/view.js";

/**
 * Dialogs, forms and switches.
 *
 * `.dialog`: Dialog
 * `.dialog-small`: Forms and dialogs
 * `@media (width < 18.75rem)`: A phone whose page is zoomed to twice its size. A dialog stands in the window, so the window's width counts.
 */
export const dialogs = css`
.dialog {
  width: min(32.5rem, calc(100vw - 1.5rem));
  max-height: min(47.5rem, calc(100dvh - 1.5rem));
  padding: 0;
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--surface);
  box-shadow: var(--shadow-high);
  color: var(--ink);
}

.dialog::backdrop {
  background: rgb(20 18 12 / 45%);
}

.dialog-body {
  display: grid;
  gap: 12px;
  padding: 20px 24px 24px;
}

.dialog-head {
  display: flex;
  flex-wrap: wrap;
  gap: 10px;
  align-items: center;
  justify-content: space-between;
}

.dialog-head h2 {
  font-size: 1.1875rem;
}

.dialog-head .icon-button {
  margin-right: -10px;
}

.button-danger {
  background: var(--danger);
  color: var(--surface);
}

.button-danger:hover {
  background: color-mix(in srgb, var(--danger) 85%, var(--ink));
}

.dialog-small {
  width: min(26.875rem, calc(100vw - 1.5rem));
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
  min-width: 7.5rem;
}

.form {
  display: grid;
  gap: 12px;
}

.form-hint {
  color: var(--ink-soft);
  font-size: 0.8125rem;
}

.form-hint:empty {
  display: none;
}

.form-done {
  font-size: 1rem;
  font-weight: 600;
}

.field {
  display: grid;
  gap: 6px;
  font-size: 0.8125rem;
  font-weight: 600;
}

.field :is(input, textarea) {
  width: 100%;
  padding: 10px 14px;
  border: 1px solid var(--line-strong);
  border-radius: var(--radius-s);
  background: var(--surface);
  color: inherit;
  font: 400 1rem / 1.4 var(--font);
  resize: vertical;
}

.field .amount {
  font-size: 1.625rem;
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

.chips .chip {
  flex: 1 0 auto;
  padding: 6px 8px;
  border-color: var(--line);
  color: inherit;
  font-variant-numeric: tabular-nums;
}

.chips .chip[aria-pressed="true"] {
  border-color: var(--brand);
  background: var(--brand-soft);
  color: var(--on-brand-soft);
}

.phrases li {
  display: flex;
  gap: 10px;
  align-items: center;
  justify-content: space-between;
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
  font-size: 0.8125rem;
  font-weight: 600;
}

.choice {
  display: flex;
  gap: 10px;
  align-items: center;
  min-height: 2.375rem;
  cursor: pointer;
}

.choice input {
  width: 1.1875rem;
  height: 1.1875rem;
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
  font-size: 0.8125rem;
  font-weight: 600;
  letter-spacing: 0;
}

.switch {
  display: flex;
  gap: 12px;
  align-items: center;
  justify-content: space-between;
  min-height: 2.5rem;
  cursor: pointer;
}

.switch input {
  position: relative;
  width: 2.75rem;
  height: 1.625rem;
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
  top: 0.1875rem;
  left: 0.1875rem;
  width: 1.25rem;
  height: 1.25rem;
  border-radius: 50%;
  background: var(--surface);
  transition: transform 0.15s;
}

.switch input:checked {
  background: var(--brand);
}

.switch input:checked::before {
  transform: translateX(1.125rem);
}

@media (forced-colors: active) {
  .switch input {
    border: 1px solid;
  }

  .switch input::before,
  .switch input:checked {
    background: CanvasText;
    forced-color-adjust: none;
  }

  .switch input:checked::before {
    background: Canvas;
  }
}

@media (width < 18.75rem) {
  .dialog-head {
    flex-wrap: nowrap;
  }
}
`;
