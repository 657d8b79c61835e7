// @ts-check
import { css } from "../ui/view.js";

/** What a search has found. */
export const found = css`
.found-title {
  padding: 8px 12px 4px;
  color: var(--ink-soft);
  font-size: 0.8125rem;
  font-weight: 600;
  letter-spacing: 0;
}

.found-text {
  text-align: left;
  display: -webkit-box;
  overflow: hidden;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 2;
  color: var(--ink-soft);
  font-size: 0.875rem;
}

mark {
  border-radius: 4px;
  background: var(--reserved);
  color: var(--on-reserved);
}
`;
