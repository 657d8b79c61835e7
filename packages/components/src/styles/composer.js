// @ts-check
import { css } from "../ui/view.js";

/**
 * Where one writes.
 *
 * `.composer textarea`: iOS zooms into anything smaller.
 * `@container conversation (width < 18.75rem)`: A phone whose page is zoomed to twice its size.
 */
export const composer = css`
.composer {
  padding: 4px 20px 14px;
}

.composer-box {
  display: flex;
  gap: 6px;
  align-items: flex-end;
  padding: 5px;
  border: 1px solid var(--line-strong);
  border-radius: var(--radius);
  background: var(--surface);
}

.composer-box:focus-within {
  border-color: var(--brand);
}

.composer-box[data-ring] {
  outline: 2.5px solid var(--brand);
  outline-offset: -1px;
}

.composer textarea {
  flex: 1;
  min-width: 0;
  max-height: 10rem;
  padding: 8px 6px 8px 14px;
  border: 0;
  outline: none;
  background: none;
  color: inherit;
  font: inherit;
  line-height: 1.375rem;
  resize: none;
}

.composer textarea::placeholder {
  overflow: hidden;
  color: var(--ink-soft);
  opacity: 1;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.send {
  width: 2.375rem;
  height: 2.375rem;
  background: var(--brand);
  color: var(--on-brand);
  transition: background-color 0.15s;
}

.send:hover {
  background: var(--brand-strong);
}

.send:disabled {
  background: var(--sunken);
  color: var(--ink-soft);
}

.composer-limit {
  padding: 6px 20px 0;
  color: var(--ink-soft);
  font-size: 0.8125rem;
  font-variant-numeric: tabular-nums;
  text-align: end;
}

.composer-limit:empty {
  display: none;
}

.composer-limit[data-over] {
  color: var(--danger);
  font-weight: 600;
}

.composer-question {
  display: flex;
  padding-bottom: 8px;
}

.chip {
  min-height: 2.25rem;
  padding: 6px 16px;
  border: 1px solid var(--brand);
  border-radius: 999px;
  color: var(--brand);
  font-size: 0.8125rem;
  font-weight: 600;
  text-align: center;
}

.chip:hover {
  background: var(--hover);
}

.composer-tool {
  display: inline-flex;
  gap: 6px;
  align-items: center;
  justify-content: center;
  min-width: 2.375rem;
  height: 2.375rem;
  flex: none;
  border-radius: 999px;
  color: var(--brand);
  font-size: 0.875rem;
  font-weight: 600;
}

.composer-tool:has(.composer-tool-label) {
  padding: 0 12px 0 9px;
  background: var(--brand-soft);
  color: var(--on-brand-soft);
}

.composer-tool:hover {
  background: var(--sunken);
}

.composer-tool + textarea {
  padding-left: 6px;
}

.composer-bar {
  display: flex;
  gap: 8px;
  align-items: center;
  padding: 2px 6px 6px 14px;
  color: var(--brand);
  font-size: 0.8125rem;
  font-weight: 600;
}

.composer-bar span {
  flex: 1;
}

.bar-button {
  min-height: 2rem;
  padding: 2px 10px;
  color: var(--ink-soft);
  font-weight: 600;
  text-decoration: underline;
  text-underline-offset: 3px;
}

.composer-failure {
  padding: 0 14px 6px;
}

.composer-closed {
  margin: 4px 20px 18px;
  padding: 14px 16px;
  border-radius: var(--radius);
  background: var(--sunken);
  color: var(--ink-soft);
  font-weight: 600;
  text-align: center;
}

.chosen {
  display: flex;
  gap: 8px;
  padding: 8px 6px 10px;
  overflow-x: auto;
}

.chosen li {
  position: relative;
  flex: none;
}

.chosen img {
  width: 4.5rem;
  height: 4.5rem;
  border-radius: var(--radius-s);
  background: var(--sunken);
  object-fit: cover;
}

.chosen-remove {
  position: absolute;
  top: -6px;
  right: -6px;
  width: 1.625rem;
  height: 1.625rem;
  border: 1px solid var(--line);
  font-size: 0.75rem;
  background: var(--surface);
}

.chosen progress {
  position: absolute;
  right: 6px;
  bottom: 6px;
  left: 6px;
  width: auto;
  height: 8px;
  accent-color: var(--brand);
}

.drop-hint {
  position: absolute;
  inset: 10px;
  display: grid;
  place-items: center;
  border: 2px dashed var(--brand);
  border-radius: var(--radius);
  background: color-mix(in srgb, var(--surface) 88%, transparent);
  color: var(--brand);
  font-weight: 600;
  pointer-events: none;
}

@media (pointer: coarse) {
  .composer textarea {
    font-size: 1rem;
  }
}

@container conversation (width < 37.5rem) {
  .composer {
    padding: 4px 10px calc(10px + env(safe-area-inset-bottom));
  }

  .composer-tool-label {
    position: absolute;
    overflow: hidden;
    clip-path: inset(50%);
  }

  .composer-tool:has(.composer-tool-label) {
    padding: 0;
  }

  .composer-closed {
    margin: 4px 12px calc(14px + env(safe-area-inset-bottom));
  }
}

@container conversation (width < 18.75rem) {
  .composer-box {
    flex-wrap: wrap;
    justify-content: space-between;
  }

  .composer textarea {
    flex: 1 0 100%;
    order: -1;
  }
}
`;
