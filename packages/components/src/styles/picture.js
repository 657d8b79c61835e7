// @ts-check
import { css } from "./css.js";

/** Pictures, small and in full. */
export const picture = css`
  .image {
    display: block;
    width: fit-content;
    max-width: 100%;
    border-radius: 20px;
    cursor: zoom-in;
  }

  /* A picture in full: the whole window is its frame. */
  .lightbox {
    width: 100vw;
    max-width: none;
    height: 100dvh;
    max-height: none;
    margin: 0;
    padding: 0;
    border: 0;
    background: none;
    color: #fff;
  }

  .lightbox::backdrop {
    background: rgb(12 14 13 / 92%);
  }

  .lightbox-frame {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    height: 100%;
  }

  .lightbox-head {
    display: flex;
    gap: 12px;
    align-items: center;
    justify-content: space-between;
    padding: 10px 12px 10px 20px;
  }

  .lightbox-head h2 {
    overflow: hidden;
    font-size: 15px;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .lightbox-head .icon-button:hover {
    background: rgb(255 255 255 / 16%);
  }

  .lightbox :focus-visible {
    outline-color: #fff;
  }

  .lightbox img {
    max-width: 100%;
    max-height: 100%;
    margin: auto;
    object-fit: contain;
  }

  .lightbox-picture {
    display: grid;
    min-width: 0;
    min-height: 0;
    padding: 0 12px 16px;
  }

  .image img {
    width: auto;
    max-width: min(100%, 300px);
    height: auto;
    max-height: 320px;
    border-radius: 20px;
    background: var(--sunken);
  }
`;
