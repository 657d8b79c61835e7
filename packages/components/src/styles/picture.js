// @ts-check
import { css } from "../ui/view.js";

/** Pictures in the history. */
export const picture = css`
.image {
  display: block;
  width: fit-content;
  max-width: 100%;
  border-radius: var(--radius);
  cursor: zoom-in;
}

.image img {
  max-width: 100%;
  height: auto;
  min-height: 2.75rem;
  border-radius: var(--radius);
  background: var(--sunken);
  object-fit: cover;
}
`;
