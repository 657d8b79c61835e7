// @ts-check
import { css } from "../ui/view.js";

/**
 * Offers.
 *
 * `.standing-offer-pending`: The one that stands, over the history.
 */
export const offer = css`
.offer {
  width: 18.75rem;
  max-width: 100%;
  padding: 12px 14px 14px;
  border: 1px solid var(--line-strong);
  border-radius: var(--radius);
  background: var(--surface);
}

.offer[data-status="pending"] {
  border-color: var(--brand);
  box-shadow: 0 0 0 0.5px var(--brand);
}

.offer[data-status="accepted"] {
  border-color: transparent;
  background: var(--brand-soft);
  color: var(--on-brand-soft);
}

.offer-head {
  display: flex;
  gap: 10px;
  align-items: center;
  justify-content: space-between;
  font-size: 0.8125rem;
  font-weight: 600;
}

.status-accepted {
  background: var(--brand);
  color: var(--on-brand);
}

.offer-amount {
  margin-top: 4px;
  font-size: 1.5625rem;
  font-weight: 700;
  font-variant-numeric: tabular-nums;
  letter-spacing: -0.025em;
  line-height: 1.25;
}

.offer[data-closed] {
  width: fit-content;
  padding: 6px 8px 6px 14px;
  border-color: var(--line);
  border-radius: var(--radius);
  color: var(--ink-soft);
}

.offer[data-closed] .offer-amount {
  margin: 0;
  flex: none;
  font-size: 0.875rem;
  font-weight: 600;
  letter-spacing: 0;
}

.offer-note {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 12px;
  justify-content: space-between;
  color: var(--ink-soft);
  font-size: 0.8125rem;
}

.offer[data-status="accepted"] .offer-note {
  color: inherit;
}

.offer-actions {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  margin-top: 12px;
}

.offer-actions .button {
  flex: 1 0 auto;
  padding: 8px 10px;
}

.offer .form-failure {
  margin-top: 10px;
}

.standing-offer-pending,
.standing-offer-taken {
  padding: 0.5rem 1.25rem;
  border-bottom: 1px solid var(--line);
  background: var(--brand-soft);
  color: var(--on-brand-soft);
  font-size: 0.875rem;
  font-weight: 600;
}

.standing-offer-pending {
  display: flex;
  flex-wrap: wrap;
  gap: 0.375rem 0.75rem;
  align-items: center;
  justify-content: space-between;
}

.standing-offer .offer-actions {
  margin: 0;
}
`;
