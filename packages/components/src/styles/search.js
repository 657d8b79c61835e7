// @ts-check
import { css } from "../ui/view.js";

/** The search above an inbox. */
export const search = css`
.search {
  display: flex;
  gap: 8px;
  align-items: center;
  min-height: 2.625rem;
  margin: 0 16px 10px;
  padding: 0 6px 0 12px;
  border: 1px solid transparent;
  border-radius: 999px;
  background: var(--sunken);
  color: var(--ink-soft);
}

.search:focus-within {
  border-color: var(--brand);
  box-shadow: 0 0 0 1px var(--brand);
}

.search input {
  flex: 1;
  min-width: 0;
  padding: 9px 0;
  border: 0;
  outline: none;
  background: none;
  color: var(--ink);
  font: inherit;
}

.search input::placeholder {
  color: var(--ink-soft);
  opacity: 1;
}

.search input::-webkit-search-cancel-button {
  display: none;
}

.search-clear {
  width: 1.875rem;
  height: 1.875rem;
}

@media (pointer: coarse) {
  .search input {
    font-size: 1rem;
  }
}
`;
