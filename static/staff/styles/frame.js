// @ts-check
import { css } from "../../components/ui/view.js";

/**
 * The frame of the desk: its top bar, the sign-in, one page or two panes, and the line that says what was done.
 *
 * `.panes`: Two of them scroll by themselves; on a narrow screen one takes the page.
 */
export const frame = css`
  .desk {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    min-height: 100dvh;
    max-width: 92.5rem;
    margin: 0 auto;
  }

  .topbar {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 20px;
    align-items: center;
    padding: 10px 20px;
    border-bottom: 1px solid var(--line);
  }

  .topbar nav {
    display: flex;
    flex: 1;
    flex-wrap: wrap;
    gap: 4px;
  }

  .topbar nav a {
    padding: 8px 14px;
    border-radius: 999px;
    color: var(--ink-soft);
    font-size: 0.875rem;
    font-weight: 600;
    white-space: nowrap;
  }

  .topbar nav a:hover {
    color: var(--ink);
  }

  .topbar nav a[aria-current] {
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .topbar-end {
    display: flex;
    gap: 8px;
    align-items: center;
    font-size: 0.875rem;
  }

  .me {
    max-width: 12rem;
    overflow: hidden;
    color: var(--ink-soft);
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .segments {
    white-space: nowrap;
  }

  .page {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 16px;
    align-content: start;
    max-width: 70rem;
    margin: 0 auto;
    padding: 24px 20px 96px;
  }

  .page:has(.composer-bar) {
    padding-bottom: 0;
  }

  .page:has(.composer-bar) > .notice[role="alert"] {
    position: sticky;
    top: 0;
    z-index: 2;
    background: var(--paper);
  }

  html:has(.composer-bar) {
    scroll-padding-bottom: 14rem;
  }

  .composer-bar {
    position: sticky;
    bottom: 0;
    z-index: 2;
    gap: 6px;
    padding: 10px 0 14px;
    border-top: 1px solid var(--line);
    background: var(--paper);
  }

  .page h1,
  .detail h1 {
    font-size: 1.5rem;
    letter-spacing: -0.02em;
  }

  :is(h1, [data-row][tabindex]):focus:not(:focus-visible) {
    outline: none;
  }

  .columns {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
    gap: 20px;
    align-items: start;
  }

  .columns > *,
  .page > section {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 12px;
  }

  .panes {
    display: grid;
    grid-template-columns: minmax(20rem, 26rem) minmax(0, 1fr);
    height: 100%;
  }

  .pane {
    min-height: 0;
    overflow-y: auto;
  }

  .queue {
    border-right: 1px solid var(--line);
  }

  .pane-head {
    position: sticky;
    top: 0;
    z-index: 1;
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    align-items: center;
    justify-content: space-between;
    padding: 16px 20px 12px;
    background: var(--paper);
  }

  .pane-head h1 {
    font-size: 1.25rem;
  }

  .queue .list {
    padding: 0 12px 24px;
  }

  .detail {
    padding: 16px 24px 96px;
  }

  .report {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 14px;
    max-width: 52rem;
  }

  .back-link {
    display: none;
    min-height: 2.5rem;
    align-items: center;
    color: var(--brand);
    font-weight: 600;
  }

  .said {
    position: fixed;
    inset: auto 0 20px;
    z-index: 5;
    width: fit-content;
    max-width: calc(100vw - 2rem);
    margin: 0 auto;
    padding: 10px 20px;
    border-radius: 999px;
    background: var(--banner);
    box-shadow: var(--shadow-high);
    color: var(--on-banner);
    font-weight: 600;
    pointer-events: none;
  }

  .desk:has(.composer-bar) .said {
    bottom: auto;
    top: 76px;
  }

  .said:empty {
    padding: 0;
    box-shadow: none;
  }

  .sign-in-page {
    display: grid;
    place-items: center;
    min-height: 100dvh;
    padding: 20px;
  }

  .sign-in-box {
    display: grid;
    gap: 20px;
    width: min(100%, 34rem);
    padding: 28px;
  }

  @media (width >= 62.5rem) {
    .desk:has(.panes) {
      height: 100dvh;
    }
  }

  @media (width < 62.5rem) {
    .panes {
      grid-template-columns: minmax(0, 1fr);
      height: auto;
    }

    .panes[data-detail] .queue,
    .panes:not([data-detail]) .detail {
      display: none;
    }

    .pane {
      overflow: visible;
    }

    .queue {
      border-right: 0;
    }

    .back-link {
      display: inline-flex;
    }

    .detail {
      padding: 8px 16px 96px;
    }
  }

  @media (width < 45rem) {
    .topbar {
      gap: 4px 8px;
      padding: 8px 12px;
    }

    .topbar .brand {
      flex: 1;
    }

    .topbar nav {
      flex: 1 0 100%;
      order: 1;
      gap: 0;
      justify-content: space-between;
    }

    .topbar nav a {
      padding: 8px 9px;
      font-size: 0.8125rem;
    }

    .topbar .segments button {
      padding: 5px 8px;
    }

    .topbar .button {
      padding: 8px 12px;
    }

    .me,
    .topbar .brand span {
      display: none;
    }

    .page {
      padding: 16px 16px 96px;
    }

    .pane-head {
      padding: 12px 16px;
    }
  }

  @media (width < 24rem) {
    .topbar nav a {
      padding: 8px 4px;
    }
  }

  @media (forced-colors: active) {
    .said {
      background: Canvas;
      color: CanvasText;
      forced-color-adjust: none;
    }

    .said:not(:empty),
    .card {
      border: 1px solid;
    }
  }
`;
