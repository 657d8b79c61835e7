// @ts-check
import { css } from "./css.js";

/**
 * The panes, the inbox and the banner.
 *
 * `.inbox-skeleton`: Rows that are about to come.
 * `.content`: The host's own content, where no conversation is shown.
 * `@container haggle (width < 62.5rem)`: One pane at a time, and a conversation gets the whole height.
 * `@media (height < 30rem)`: A phone that lies on its side, or whose keyboard is up: the height is for what is read.
 * `@media (height < 30rem)`: On such a phone, what stands above the list takes one line.
 * `@container haggle (width < 18.75rem)`: A phone whose page is zoomed to twice its size.
 */
export const layout = css`
  .panes {
    display: grid;
    grid-template-rows: minmax(0, 1fr);
    grid-template-columns: clamp(18.75rem, 36%, 23.25rem) minmax(0, 1fr);
    gap: 14px;
    min-height: 0;
  }

  .pane {
    min-height: 0;
    overflow: hidden;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
  }

  .inbox {
    display: flex;
    flex-direction: column;
  }

  .pane-head {
    display: flex;
    gap: 8px;
    align-items: center;
    padding: 18px 20px 10px;
  }

  .pane-head h2 {
    font-size: 1.1875rem;
  }

  .inbox-list {
    flex: 1;
    min-height: 0;
    padding: 0 8px 8px;
    overflow-y: auto;
  }

  .inbox-row {
    display: flex;
    width: 100%;
    gap: 14px;
    padding: 11px 12px;
    border-radius: 14px;
  }

  .inbox-row:hover {
    background: var(--hover);
  }

  .inbox-row[aria-current] {
    background: var(--brand-soft);
  }

  .inbox-row:focus-visible {
    outline-offset: -2px;
  }

  .inbox-faces {
    position: relative;
    width: 3.375rem;
    height: 3.375rem;
    flex: none;
  }

  .inbox-faces .avatar {
    position: absolute;
    right: -2px;
    bottom: -2px;
    border: 2.5px solid var(--surface);
    border-radius: 50%;
    background: var(--surface);
  }

  .inbox-row[aria-current] .avatar {
    border-color: var(--brand-soft);
  }

  .inbox-text {
    display: grid;
    flex: 1;
    gap: 1px;
    min-width: 0;
  }

  .inbox-line,
  .inbox-product {
    display: flex;
    gap: 8px;
    align-items: center;
    justify-content: space-between;
    min-width: 0;
  }

  .inbox-product {
    justify-content: flex-start;
    color: var(--ink-soft);
    font-size: 0.7812rem;
  }

  .inbox-name {
    flex: 1;
    font-weight: 650;
  }

  .inbox-time {
    flex: none;
    color: var(--ink-soft);
    font-size: 0.7812rem;
    font-variant-numeric: tabular-nums;
  }

  .inbox-last {
    flex: 1;
    min-height: 1.3125rem;
    color: var(--ink-soft);
    font-size: 0.875rem;
  }

  .inbox-row[data-unread] .inbox-last {
    color: var(--ink);
    font-weight: 600;
  }

  .inbox-row[aria-current] :is(.inbox-last, .inbox-time, .inbox-product) {
    color: color-mix(in srgb, var(--ink) 78%, transparent);
  }

  .inbox-mark .icon {
    width: 1rem;
    color: var(--ink-soft);
  }

  .inbox-mark[data-state="read"] .icon {
    color: var(--brand);
  }

  .inbox-item {
    position: relative;
  }

  .row-menu {
    position: absolute;
    inset-block-start: 50%;
    inset-inline-end: 10px;
    translate: 0 -50%;
  }

  @media (hover: hover) {
    .inbox-item:not(:hover, :focus-within) .row-menu {
      opacity: 0;
    }
  }

  .inbox-row:not(:only-child) {
    padding-inline-end: 3.25rem;
  }

  .inbox-draft {
    color: var(--draft);
    font-weight: 600;
  }

  .inbox-more {
    display: grid;
    gap: 8px;
    padding: 8px;
  }

  .filters {
    display: flex;
    flex-wrap: wrap;
    gap: 3px;
    min-width: 0;
    margin: 0 16px 8px;
    padding: 0;
    border: 0;
  }

  .filter {
    position: relative;
    display: inline-grid;
    align-items: center;
    min-height: 2rem;
    padding: 0 8px;
    border: 1px solid var(--line);
    border-radius: 999px;
    color: var(--ink-soft);
    font-size: 0.7812rem;
    font-weight: 600;
    line-height: 1.3;
  }

  .filter:hover {
    background: var(--hover);
  }

  .filter:has(:checked) {
    border-color: var(--brand);
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .filter:has(:focus-visible) {
    outline: 2.5px solid var(--brand);
    outline-offset: 2px;
  }

  .filter input {
    position: absolute;
    inset: 0;
    margin: 0;
    opacity: 0;
    cursor: pointer;
  }

  .inbox-skeleton {
    flex: 1;
    padding: 0 20px;
    overflow: hidden;
  }

  .skeleton-row {
    display: grid;
    grid-template: 0.8125rem 0.75rem / 2.875rem 1fr;
    gap: 10px 18px;
    align-content: center;
    padding: 14px 0;
    animation: breathe 1.6s ease-in-out infinite;
  }

  .skeleton-row span {
    border-radius: 6px;
    background: var(--sunken);
  }

  .skeleton-row span:first-child {
    grid-row: span 2;
    min-height: 2.875rem;
    border-radius: var(--radius-s);
  }

  .skeleton-row span:nth-child(2) {
    width: 45%;
  }

  @keyframes breathe {
    50% {
      opacity: 0.5;
    }
  }

  @media (forced-colors: active) {
    .filter:has(:checked) {
      outline: 2px solid Highlight;
      outline-offset: -2px;
    }

    .filter:has(:focus-visible) {
      outline: 3px solid CanvasText;
    }

    .skeleton-row span {
      border: 1px solid;
    }
  }

  .banner {
    display: flex;
    gap: 10px;
    align-items: center;
    margin: 0 0 10px;
    padding: 9px 16px;
    border-radius: var(--radius-s);
    background: var(--banner);
    color: var(--on-banner);
    font-size: 0.875rem;
    animation: arrive 0.2s ease-out;
  }

  .banner span {
    flex: 1;
  }

  .banner button {
    padding: 3px 4px;
    font-weight: 650;
    text-decoration: underline;
    text-underline-offset: 3px;
  }

  .banner button:focus-visible {
    outline-color: currentColor;
  }

  @keyframes arrive {
    from {
      opacity: 0;
      transform: translateY(-6px);
    }
  }

  .content {
    overflow: auto;
  }

  .content:focus,
  .pane-head h2:focus {
    outline: none;
  }

  .content .empty {
    height: 100%;
  }

  @container haggle (width < 62.5rem) {
    .panes {
      grid-template-columns: minmax(0, 1fr);
    }

    .panes > .pane {
      border-width: 1px 0 0;
      border-radius: 0;
      box-shadow: none;
    }

    .panes[data-shows="room"] > .pane {
      border: 0;
    }

    .panes[data-shows="inbox"] > .content,
    .panes:is([data-shows="room"], [data-shows="content"]) > .inbox {
      display: none;
    }

    .messenger > .banner-region > .banner {
      margin: 8px 10px;
    }

    .messenger .conversation-head .back {
      display: inline-grid;
    }
  }

  @media (height < 30rem) {
    .pane-head {
      padding: 8px 16px 6px;
    }

    .inbox-row {
      padding-block: 6px;
    }
  }

  @media (height < 30rem) {
    @container haggle (37.5rem <= width < 62.5rem) {
      .inbox {
        display: grid;
        grid-template: auto minmax(0, 1fr) / auto minmax(0, 1fr) auto;
        align-items: center;
      }

      .inbox :is(.search, .filters) {
        margin: 6px 16px 6px 0;
      }

      .inbox > :is(.inbox-list, .inbox-skeleton, .empty) {
        grid-row: 2;
        grid-column: 1 / -1;
        align-self: stretch;
      }
    }
  }

  @container haggle (width < 18.75rem) {
    .inbox-faces {
      display: none;
    }
  }
`;
