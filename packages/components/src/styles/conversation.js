// @ts-check
import { css } from "../ui/view.js";

/**
 * One conversation: who and what it is about.
 *
 * `.conversation`: One conversation, laid out by its own width.
 * `.status-button`: The product's status, as its seller sets it, and what it means to who writes
 * `.conversation[data-opening] *`: While a dialog is loaded.
 * `@media (height < 30rem)`: A phone that lies on its side, or whose keyboard is up.
 * `@container conversation (width < 18.75rem)`: A phone whose page is zoomed to twice its size.
 */
export const conversation = css`
.conversation {
  display: flex;
  position: relative;
  flex-direction: column;
  container: conversation / inline-size;
}

.conversation > .empty {
  flex: 1;
}

.conversation-head {
  display: flex;
  gap: 12px;
  align-items: center;
  padding: 12px 16px 12px 20px;
  border-bottom: 1px solid var(--line);
}

.conversation-head .back {
  display: none;
}

.back {
  margin-left: -8px;
}

:host([back]) .conversation-head .back {
  display: inline-grid;
}

.conversation-who {
  flex: 1;
  min-width: 0;
}

.conversation-who h2 {
  font-size: 1rem;
}

.conversation-state {
  color: var(--ink-soft);
  font-size: 0.8125rem;
}

.conversation-state[data-online],
.conversation-state[data-typing] {
  color: var(--brand);
  font-weight: 600;
}

.product-strip {
  display: flex;
  gap: 12px;
  align-items: center;
  max-width: 52%;
  padding: 6px 14px 6px 6px;
  border: 1px solid var(--line);
  border-radius: var(--radius);
}

.product-strip-text {
  min-width: 0;
}

.product-strip-title {
  font-size: 0.8125rem;
}

.product-strip-line {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 8px;
  align-items: center;
}

.product-strip-price {
  font-size: 0.875rem;
  font-weight: 700;
  font-variant-numeric: tabular-nums;
}

.status-button {
  display: inline-flex;
  gap: 2px;
  align-items: center;
  min-height: 1.625rem;
  padding: 2px 6px 2px 10px;
}

.status-button .icon {
  stroke-width: 2.4;
}

.status-hint {
  margin: 0 20px 6px;
  padding: 7px 14px;
  border-radius: var(--radius-s);
  font-size: 0.8125rem;
  font-weight: 600;
  background: var(--reserved);
  color: var(--on-reserved);
}

.status-hint.status-sold {
  background: var(--sold);
  color: var(--on-sold);
}

.status-hint.form-failure {
  background: none;
  color: var(--danger);
}

.conversation[data-opening] * {
  cursor: progress;
}

.conversation-menu {
  margin: 0 -6px 0 -4px;
}

.history .skeleton i:nth-of-type(3n) {
  width: 62%;
  height: 4rem;
}

.skeleton i[data-own] {
  width: 34%;
  justify-self: end;
}

.conversation-head.skeleton {
  grid-template-columns: auto 1fr;
}

.conversation-head.skeleton i {
  width: 2.5rem;
  border-radius: 50%;
}

.conversation-head.skeleton i + i {
  width: 30%;
  height: 1.25rem;
  border-radius: 999px;
}

@container conversation (width < 37.5rem) {
  .conversation-head {
    flex-wrap: wrap;
    gap: 8px 10px;
    padding: 8px 12px 10px;
  }

  .product-strip {
    order: 1;
    width: 100%;
    max-width: none;
  }

  .product-strip-text {
    display: flex;
    flex: 1;
    gap: 2px 12px;
    flex-direction: column;
  }

  .conversation-menu {
    margin: 0;
  }

  .status-hint {
    margin: 0 12px 6px;
  }
}

@media (height < 30rem) {
  .conversation-head {
    flex-wrap: nowrap;
    gap: 10px;
    padding: 4px 12px;
  }

  .conversation-who {
    flex: 1 1 0;
  }

  .product-strip {
    order: 0;
    width: auto;
    max-width: 60%;
    padding: 2px 12px 2px 2px;
  }

  .product-strip .picture {
    width: 2.25rem;
    height: 2.25rem;
  }
}

@container conversation (width < 18.75rem) {
  .conversation-head > .avatar,
  .product-strip .picture {
    display: none;
  }
}
`;
