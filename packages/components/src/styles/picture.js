// @ts-check
import { css } from "../ui/view.js";

/** Pictures in the history. */
export const picture = css`
.image {
  display: block;
  width: fit-content;
  max-width: 100%;
  border-radius: 20px;
  cursor: zoom-in;
}

.image img {
  max-width: 100%;
  height: auto;
  min-height: 2.75rem;
  border-radius: 20px;
  background: var(--sunken);
  object-fit: cover;
}
`;
