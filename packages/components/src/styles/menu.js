// @ts-check
import { css } from "../ui/view.js";

/**
 * Menus, and the buttons that open them.
 *
 * `.menu`: In the top layer, so that nothing of the page's clips or covers it.
 */
export const menu = css`
.menu {
  position: fixed;
  inset: auto;
  min-width: min(12.5rem, calc(100vw - 0.75rem));
  max-width: min(20rem, calc(100vw - 0.75rem));
  max-height: calc(100dvh - 0.75rem);
  margin: 0;
  padding: 6px;
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--surface);
  box-shadow: var(--shadow-high);
  color: var(--ink);
}

.menu-item {
  display: flex;
  gap: 10px;
  align-items: center;
  width: 100%;
  min-height: 2.625rem;
  padding: 8px 14px 8px 10px;
  border-radius: var(--radius-s);
  font-size: 0.875rem;
  font-weight: 500;
}

:is(.menu-item, .menu-emoji):is(:hover, :focus-visible) {
  background: var(--sunken);
}

.menu-item:focus-visible {
  outline-offset: -2px;
}

.menu-item[data-danger] {
  color: var(--danger);
}

.menu-item .icon {
  color: var(--ink-soft);
}

.menu-item[data-danger] .icon {
  color: inherit;
}

.menu-emoji {
  width: 2.5rem;
  height: 2.5rem;
  border-radius: 50%;
  font-size: 1.375rem;
  text-align: center;
}

.menu-emoji[aria-checked="true"] {
  background: var(--brand-soft);
}

.menu-check {
  width: 1.25rem;
  flex: none;
}

.menu-check .icon {
  color: var(--brand);
}

:is(.conversation-menu, .line-menu, .row-menu) .icon {
  stroke-width: 3;
}
`;
