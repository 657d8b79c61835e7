// @ts-check
import { css } from "./css.js";

/** Shapes in place of what is still being read. */
export const skeleton = css`
  .skeleton {
    display: grid;
    gap: 12px;
    align-content: start;
    animation: wait 1.6s 0.2s infinite alternate ease-in-out both;
  }

  .skeleton i {
    width: 46%;
    height: 2.5rem;
    border: 1px solid transparent;
    border-radius: 20px;
    background: var(--sunken);
  }

  .skeleton i:nth-of-type(3n) {
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

  @keyframes wait {
    from {
      opacity: 0.35;
    }
  }
`;
