// @ts-check
import { css } from "../ui/view.js";

/**
 * * The border between the page and a component. The element itself is the page's to place; whatever the page says about every
 * element, the frame inside starts from scratch. Its colours follow the page's `color-scheme`, unless `theme` names one.
 *
 * `[tabindex="-1"]`: What a script gives the focus to, so that one goes on from there, can't be used.
 * `.frame:lang(ko)`: Korean is broken between words, as it is read.
 */
export const frame = css`
:host {
  display: block;
}

:host([hidden]) {
  display: none;
}

.frame {
  all: initial;
  display: block;
  box-sizing: border-box;
  container: haggle / inline-size;
  color: var(--ink);
  color-scheme: inherit;
  font: 400 0.9375rem / 1.45 var(--font);
  -webkit-font-smoothing: antialiased;
  overflow-wrap: anywhere;
  text-align: start;
}

.frame:lang(ko) {
  word-break: keep-all;
}

[tabindex="-1"]:not(button):focus {
  outline: none;
}

:host([theme="light"]) .frame {
  color-scheme: light;
}

:host([theme="dark"]) .frame {
  color-scheme: dark;
}

:host([theme="auto"]) .frame {
  color-scheme: light dark;
}
`;

/** An element that fills the height it is given, and scrolls inside. */
export const filling = css`
:host {
  block-size: min(45rem, 100dvh);
}

.frame {
  block-size: var(--haggle-block-size, 100%);
  min-block-size: min(20rem, 100dvh);
  max-block-size: 100dvh;
}

.messenger,
.single {
  display: grid;
  grid-template-rows: auto minmax(0, 1fr);
  block-size: 100%;
  min-block-size: inherit;
  max-block-size: inherit;
}
`;

/** A number in a line of the page's text. */
export const inline = css`
:host {
  display: inline-block;
  vertical-align: middle;
}

.frame {
  container-type: normal;
  line-height: 1;
}
`;
