// @ts-check
import { css } from "./css.js";

/*
 * Colours, type and shapes. Each has a public name that a page may set, on the element or anywhere above it, and a value for light
 * and for dark. One accent for what can be done, from which its shades follow, a tint of it for
 * one's own bubbles; warm neutrals; one warm signal colour.
 */
export const theme = css`
  .frame,
  :root {
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
    --font: var(--haggle-font, system-ui, -apple-system, "Segoe UI", "Roboto", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", sans-serif);
  }
`;
