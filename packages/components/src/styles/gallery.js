// @ts-check
import { css } from "../ui/view.js";

/** Pictures in full: the whole window is their frame. */
export const gallery = css`
.gallery {
  width: 100vw;
  max-width: none;
  height: 100dvh;
  max-height: none;
  margin: 0;
  padding: 0;
  border: 0;
  overflow: hidden;
  background: none;
  color: #fff;
}

.gallery::backdrop {
  background: rgb(12 14 13 / 92%);
}

.gallery-frame {
  display: grid;
  grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
  height: 100%;
}

.gallery-head {
  display: flex;
  gap: 4px;
  align-items: center;
  padding: 10px 12px 10px 20px;
}

.gallery-head h2 {
  display: flex;
  flex: 1;
  gap: 10px;
  min-width: 0;
  font-size: 0.9375rem;
  white-space: nowrap;
}

.gallery-head .icon-button:is(:hover, [aria-pressed="true"]) {
  background: rgb(255 255 255 / 16%);
}

.gallery-head [aria-disabled="true"] {
  opacity: 0.4;
}

.gallery :focus-visible {
  outline-color: #fff;
}

.gallery-picture {
  display: grid;
  grid-template: minmax(0, 1fr) / minmax(0, 1fr);
  place-items: center;
  padding: 0 12px 16px;
}

.gallery-picture img {
  width: auto;
  max-width: 100%;
  height: auto;
  max-height: 100%;
  cursor: zoom-in;
}

.gallery-picture[data-zoomed] {
  display: block;
  overflow: auto;
}

.gallery-picture[data-zoomed] img {
  width: 200%;
  max-width: none;
  max-height: none;
  cursor: zoom-out;
}

.gallery-text {
  max-height: 25dvh;
  padding: 0 20px 16px;
  overflow: auto;
  text-align: center;
  white-space: pre-wrap;
}
`;
