// @ts-check
import { css } from "../ui/view.js";

/**
 * Colours, type and shapes, and the pieces that every view shares.
 *
 * `.frame, :root`: Each colour has a public name that a page may set, on the element, anywhere above it or on one of its larger parts, and a
 * value for light and for dark. One accent for what can be done, from which its shades follow, a tint of it for one's own bubbles; warm neutrals; one warm signal.
 * `.plain-line`: Their writing system decides how people's words run and where they are cut, not where they stand.
 * `.icon`: As large as it is in proportion to the words next to it.
 * `@media (forced-colors: active)`: The system's few colours: what is chosen has an edge, and what is said by a background alone has one, too.
 */
export const base = css`
.frame,
:root,
:is(section, header, form, div)[part] {
  color: var(--ink);
  --paper: var(--haggle-paper, light-dark(#f6f3ed, #101311));
  --surface: var(--haggle-surface, light-dark(#ffffff, #181c1a));
  --sunken: var(--haggle-sunken, light-dark(#f2eee6, #222724));
  --hover: var(--haggle-hover, light-dark(#f7f4ee, #1f2421));
  --ink: var(--haggle-ink, light-dark(#1c211f, #edf0ed));
  --ink-soft: var(--haggle-ink-soft, light-dark(#5b625e, #a5aea9));
  --line: var(--haggle-line, light-dark(#e6e0d5, #2a302d));
  --line-strong: var(--haggle-line-strong, light-dark(#8c897f, #717a75));
  --brand: var(--haggle-brand, light-dark(#0f6b54, #62cba8));
  --brand-strong: var(--haggle-brand-strong, color-mix(in srgb, var(--brand) 78%, var(--ink)));
  --on-brand: var(--haggle-on-brand, light-dark(#ffffff, #06271d));
  --brand-soft: var(--haggle-brand-soft, color-mix(in srgb, var(--brand) 13%, var(--surface)));
  --on-brand-soft: var(--haggle-on-brand-soft, color-mix(in srgb, var(--brand) 70%, var(--ink)));
  --signal: var(--haggle-signal, light-dark(#c23f17, #ff8d66));
  --on-signal: var(--haggle-on-signal, light-dark(#ffffff, #341004));
  --draft: var(--haggle-draft, light-dark(#96470b, #ffb57d));
  --online: var(--haggle-online, light-dark(#2aa66f, #4fd093));
  --reserved: var(--haggle-reserved, light-dark(#fbe6b8, #4a3810));
  --on-reserved: var(--haggle-on-reserved, light-dark(#6b4700, #f8d98f));
  --sold: var(--haggle-sold, light-dark(#e4e1da, #323835));
  --on-sold: var(--haggle-on-sold, light-dark(#4e524f, #c3cac6));
  --bubble-own: var(--haggle-bubble-own, light-dark(color-mix(in srgb, var(--brand) 20%, var(--surface)), color-mix(in srgb, var(--brand) 30%, var(--surface))));
  --on-bubble-own: var(--haggle-on-bubble-own, var(--ink));
  --bubble-other: var(--haggle-bubble-other, light-dark(#f0ece4, #272d2a));
  --danger: var(--haggle-danger, light-dark(#b3261e, #ff9c90));
  --banner: var(--haggle-banner, light-dark(#3a2f1c, #f3e3bf));
  --on-banner: var(--haggle-on-banner, light-dark(#fdf3de, #2b220f));
  --shadow: 0 1px 2px light-dark(rgb(45 38 25 / 5%), rgb(0 0 0 / 30%)), 0 6px 20px -8px light-dark(rgb(45 38 25 / 12%), rgb(0 0 0 / 50%));
  --shadow-high: 0 2px 6px light-dark(rgb(45 38 25 / 10%), rgb(0 0 0 / 40%)), 0 18px 50px -12px light-dark(rgb(45 38 25 / 30%), rgb(0 0 0 / 80%));
  --radius: var(--haggle-radius, 18px);
  --radius-s: var(--haggle-radius-s, 12px);
  --font: var(--haggle-font, system-ui, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", sans-serif);
}

*,
::before,
::after {
  box-sizing: border-box;
}

h1,
h2,
h3,
p,
ul {
  margin: 0;
  padding: 0;
}

h1,
h2,
h3 {
  font-weight: 600;
  letter-spacing: -0.015em;
  line-height: 1.2;
}

ul {
  list-style: none;
}

a {
  color: inherit;
  text-decoration: none;
}

button {
  margin: 0;
  padding: 0;
  border: 0;
  background: none;
  color: inherit;
  font: inherit;
  text-align: inherit;
  cursor: pointer;
}

button:disabled {
  cursor: default;
}

img {
  display: block;
}

:focus-visible,
.filter:has(:focus-visible) {
  outline: 2.5px solid var(--brand);
  outline-offset: 2px;
}

.plain-line {
  overflow: hidden;
  text-align: left;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.visually-hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

.icon {
  width: 1.333em;
  height: 1.333em;
  flex: none;
  fill: none;
  stroke: currentColor;
  stroke-width: 1.9;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.5rem;
  padding: 8px 16px;
  border-radius: 999px;
  background: var(--sunken);
  font-size: 0.875rem;
  font-weight: 600;
  line-height: 1.2;
  text-align: center;
  overflow-wrap: normal;
  transition: background-color 0.15s;
}

.button:hover {
  background: var(--line);
}

.button:is(:disabled, [aria-disabled="true"]) {
  opacity: 0.55;
}

.button-primary {
  background: var(--brand);
  color: var(--on-brand);
}

.button-primary:hover {
  background: var(--brand-strong);
}

.icon-button {
  display: inline-grid;
  place-items: center;
  width: 2.5rem;
  height: 2.5rem;
  flex: none;
  border-radius: 50%;
}

.icon-button:hover {
  background: var(--sunken);
}

.badge {
  display: inline-grid;
  place-items: center;
  min-width: 1.25rem;
  height: 1.25rem;
  padding: 0 6px;
  flex: none;
  border-radius: 999px;
  background: var(--signal);
  color: var(--on-signal);
  font-size: 0.75rem;
  font-weight: 700;
  font-variant-numeric: tabular-nums;
  line-height: 1;
}

.status {
  display: inline-block;
  padding: 2px 8px;
  flex: none;
  border-radius: 999px;
  background: var(--brand-soft);
  color: var(--on-brand-soft);
  font-size: 0.75rem;
  font-weight: 600;
  line-height: 1.45;
  white-space: nowrap;
}

.status-reserved {
  background: var(--reserved);
  color: var(--on-reserved);
}

.status-sold {
  background: var(--sold);
  color: var(--on-sold);
}

.avatar {
  position: relative;
  display: inline-block;
  width: 2.5rem;
  height: 2.5rem;
  flex: none;
}

.avatar img,
.avatar-letter {
  display: grid;
  place-items: center;
  width: 100%;
  height: 100%;
  border-radius: 50%;
  background: var(--sunken);
  font-weight: 600;
}

.avatar-s {
  width: 1.875rem;
  height: 1.875rem;
}

.presence-dot {
  position: absolute;
  right: -1px;
  bottom: -1px;
  width: 0.8125rem;
  height: 0.8125rem;
  border: 2.5px solid var(--surface);
  border-radius: 50%;
  background: var(--online);
}

.picture {
  display: block;
  overflow: hidden;
  flex: none;
  background: var(--sunken);
}

.picture:has(> .icon) {
  display: grid;
  place-items: center;
}

.picture > .icon {
  width: 44%;
  max-width: 2.5rem;
  height: auto;
  color: var(--ink-soft);
  opacity: 0.6;
}

.picture img {
  width: 100%;
  height: 100%;
  object-fit: cover;
}

.picture-s {
  width: 2.875rem;
  height: 2.875rem;
  border-radius: var(--radius-s);
}

.form-failure {
  color: var(--danger);
  font-size: 0.8125rem;
  font-weight: 600;
}

.notice {
  display: grid;
  gap: 12px;
  justify-items: center;
  padding: 28px 16px;
  color: var(--ink-soft);
  text-align: center;
}

.empty {
  display: grid;
  gap: 8px;
  justify-items: center;
  align-content: center;
  padding: 48px 24px;
  color: var(--ink-soft);
  text-align: center;
}

.empty-title {
  color: var(--ink);
  font-size: 1rem;
  font-weight: 600;
}

.empty .button {
  margin-top: 8px;
  color: var(--ink);
}

@media (forced-colors: active) {
  [aria-current],
  [aria-pressed="true"],
  [aria-checked="true"],
  .filter:has(:checked) {
    outline: 2px solid Highlight;
    outline-offset: -2px;
  }

  :focus-visible,
  .filter:has(:focus-visible),
  .search:focus-within {
    outline: 3px solid CanvasText;
  }

  .button,
  .badge,
  .status {
    border: 1px solid;
  }

  .presence-dot {
    background: Highlight;
    forced-color-adjust: none;
  }
}

@media (prefers-reduced-motion: reduce) {
  *,
  ::before,
  ::after {
    animation: none !important;
    transition: none !important;
    scroll-behavior: auto !important;
  }
}
`;
