// @ts-check
import { css } from "./css.js";

/** What one does in a conversation: menus, offers, notices, the composer and search. */
export const actions = css`
  /* In the top layer, so that nothing of the page's clips or covers it. */
  .menu {
    position: fixed;
    inset: auto;
    min-width: min(200px, calc(100vw - 12px));
    max-width: min(320px, calc(100vw - 12px));
    margin: 0;
    padding: 6px;
    overflow: visible;
    border: 1px solid var(--line);
    border-radius: 16px;
    background: var(--surface);
    box-shadow: var(--shadow-high);
    color: var(--ink);
  }

  .menu-item {
    display: flex;
    gap: 10px;
    align-items: center;
    width: 100%;
    min-height: 42px;
    padding: 8px 14px 8px 10px;
    border-radius: 11px;
    font-size: 14.5px;
    font-weight: 500;
  }

  .menu-item:hover,
  .menu-item:focus-visible {
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

  .menu-check {
    width: 20px;
    flex: none;
  }

  .menu-check .icon {
    color: var(--brand);
  }

  /* A message's menu: next to the bubble, under the pointer or the focus. */
  .line-row {
    position: relative;
    display: grid;
    gap: 3px;
    justify-items: inherit;
    max-width: 100%;
  }

  .line-menu {
    position: absolute;
    top: 50%;
    left: calc(100% + 4px);
    display: grid;
    place-items: center;
    width: 32px;
    height: 32px;
    border-radius: 50%;
    color: var(--ink-soft);
    opacity: 0;
    transform: translateY(-50%);
  }

  .group[data-own] .line-menu {
    right: calc(100% + 4px);
    left: auto;
  }

  .line-menu:hover {
    background: var(--sunken);
    color: var(--ink);
  }

  .line:hover .line-menu,
  .line-menu:focus-visible,
  .line-menu[aria-expanded="true"] {
    opacity: 1;
  }

  @media (pointer: coarse) {
    /* There a long touch opens it; the button stays for screen readers and keyboards. */
    .line-menu {
      pointer-events: none;
    }

    .line-row {
      -webkit-touch-callout: none;
      user-select: none;
    }
  }

  .sought .bubble {
    animation: sought 2.4s ease-out;
  }

  @keyframes sought {
    from {
      box-shadow: 0 0 0 4px var(--reserved);
    }
  }

  .system span {
    display: inline-block;
    padding: 4px 14px;
    border-radius: 999px;
    background: var(--sunken);
  }

  .warning {
    display: flex;
    gap: 7px;
    align-items: flex-start;
    max-width: 420px;
    margin-top: 3px;
    padding: 7px 12px 7px 10px;
    border-radius: var(--radius-s);
    background: var(--reserved);
    color: var(--on-reserved);
    font-size: 12.5px;
    line-height: 1.4;
  }

  .warning .icon {
    width: 17px;
    height: 17px;
  }

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

  /* Offers */
  .offer {
    width: min(300px, 70cqi);
    padding: 12px 14px 14px;
    border: 1px solid var(--line-strong);
    border-radius: 20px;
    background: var(--surface);
  }

  .offer[data-status="pending"] {
    border-color: var(--brand);
    box-shadow: 0 0 0 0.5px var(--brand);
  }

  .offer[data-status="accepted"] {
    border-color: transparent;
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .offer:focus {
    outline: none;
  }

  .offer-head {
    display: flex;
    gap: 10px;
    align-items: center;
    justify-content: space-between;
    font-size: 13px;
    font-weight: 600;
  }

  .offer-status {
    padding: 2px 9px;
    flex: none;
    border-radius: 999px;
    background: var(--sold);
    color: var(--on-sold);
    font-size: 11.5px;
    font-weight: 650;
  }

  .offer[data-status="pending"] .offer-status {
    background: var(--reserved);
    color: var(--on-reserved);
  }

  .offer[data-status="accepted"] .offer-status {
    background: var(--brand);
    color: var(--on-brand);
  }

  .offer-amount {
    margin-top: 4px;
    font-size: 25px;
    font-weight: 740;
    font-variant-numeric: tabular-nums;
    letter-spacing: -0.025em;
    line-height: 1.25;
  }

  .offer:not([data-status="pending"], [data-status="accepted"]) .offer-amount {
    color: var(--ink-soft);
    font-weight: 650;
  }

  .offer-note {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 12px;
    justify-content: space-between;
    color: var(--ink-soft);
    font-size: 12.5px;
  }

  .offer[data-status="accepted"] .offer-note {
    color: inherit;
  }

  .offer-actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    margin-top: 12px;
  }

  .offer-actions .button {
    flex: 1 0 auto;
    padding: 8px 10px;
  }

  .offer .form-failure {
    margin-top: 10px;
  }

  /* The product's status, as its seller sets it, and what it means to who writes */
  .status-button {
    display: inline-flex;
    gap: 2px;
    align-items: center;
    min-height: 26px;
    padding: 2px 6px 2px 10px;
  }

  .status-button .icon {
    width: 15px;
    height: 15px;
    stroke-width: 2.4;
  }

  .status-hint {
    margin: 0 20px 6px;
    padding: 7px 14px;
    border-radius: var(--radius-s);
    font-size: 13.5px;
    font-weight: 550;
    background: var(--reserved);
    color: var(--on-reserved);
  }

  .status-hint.status-sold {
    background: var(--sold);
    color: var(--on-sold);
  }

  .status-hint[data-here] {
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .conversation-menu {
    margin: 0 -6px 0 -4px;
  }

  :is(.conversation-menu, .line-menu) .icon {
    stroke-width: 3;
  }

  /* Composer */
  .composer-tool {
    display: inline-flex;
    gap: 5px;
    align-items: center;
    justify-content: center;
    min-width: 38px;
    height: 38px;
    flex: none;
    border-radius: 999px;
    color: var(--brand);
    font-size: 14px;
    font-weight: 650;
  }

  .composer-tool:has(.composer-tool-label) {
    padding: 0 12px 0 9px;
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .composer-tool:hover {
    background: var(--sunken);
  }

  .composer-tool + textarea {
    padding-left: 6px;
  }

  .composer-bar {
    display: flex;
    gap: 8px;
    align-items: center;
    padding: 2px 6px 6px 14px;
    color: var(--brand);
    font-size: 13.5px;
    font-weight: 600;
  }

  .composer-bar span {
    flex: 1;
  }

  .composer-bar .icon {
    width: 17px;
    height: 17px;
  }

  .bar-button {
    min-height: 32px;
    padding: 2px 10px;
    color: var(--ink-soft);
    font-weight: 600;
    text-decoration: underline;
    text-underline-offset: 3px;
  }

  .composer-failure {
    padding: 0 14px 6px;
  }

  .composer-closed {
    margin: 4px 20px 18px;
    padding: 14px 16px;
    border-radius: 16px;
    background: var(--sunken);
    color: var(--ink-soft);
    font-weight: 550;
    text-align: center;
  }

  .chosen {
    display: flex;
    gap: 12px;
    align-items: center;
    margin-bottom: 8px;
    padding: 8px;
    border: 1px solid var(--line);
    border-radius: 18px;
  }

  .chosen img {
    width: 64px;
    height: 64px;
    flex: none;
    border-radius: var(--radius-s);
    object-fit: cover;
  }

  .chosen-text {
    flex: 1;
    min-width: 0;
  }

  .chosen-name {
    font-size: 13.5px;
  }

  .chosen-progress {
    display: flex;
    gap: 10px;
    align-items: center;
    color: var(--ink-soft);
    font-size: 12.5px;
    font-variant-numeric: tabular-nums;
  }

  .chosen progress {
    flex: 1;
    min-width: 0;
    height: 6px;
    border: 0;
    border-radius: 999px;
    overflow: hidden;
    background: var(--line);
    appearance: none;
  }

  .chosen progress::-webkit-progress-bar {
    background: var(--line);
  }

  .chosen progress::-webkit-progress-value {
    border-radius: 999px;
    background: var(--brand);
    transition: inline-size 0.2s;
  }

  .chosen progress::-moz-progress-bar {
    border-radius: 999px;
    background: var(--brand);
  }

  /* Search */
  .search {
    display: flex;
    gap: 8px;
    align-items: center;
    min-height: 42px;
    margin: 0 16px 10px;
    padding: 0 6px 0 12px;
    border: 1px solid transparent;
    border-radius: 999px;
    background: var(--sunken);
    color: var(--ink-soft);
  }

  .search:focus-within {
    border-color: var(--brand);
    box-shadow: 0 0 0 1px var(--brand);
  }

  .search .icon {
    width: 18px;
    height: 18px;
  }

  .search input {
    flex: 1;
    min-width: 0;
    padding: 9px 0;
    border: 0;
    outline: none;
    background: none;
    color: var(--ink);
    font: inherit;
  }

  @media (pointer: coarse) {
    .search input {
      font-size: 16px;
    }
  }

  .search input::placeholder {
    color: var(--ink-soft);
    opacity: 1;
  }

  .search input::-webkit-search-cancel-button {
    display: none;
  }

  .search-clear {
    display: grid;
    place-items: center;
    width: 30px;
    height: 30px;
    border-radius: 50%;
  }

  .found-text {
    text-align: left;
    display: -webkit-box;
    overflow: hidden;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    color: var(--ink-soft);
    font-size: 14px;
  }

  mark {
    border-radius: 4px;
    background: var(--reserved);
    color: var(--on-reserved);
  }

  @container conversation (max-width: 599px) {
    .conversation-menu {
      margin: 0;
    }

    .composer-tool-label {
      position: absolute;
      overflow: hidden;
      clip-path: inset(50%);
    }

    .composer-tool:has(.composer-tool-label) {
      padding: 0;
    }

    .status-hint {
      margin: 0 12px 6px;
    }

    .composer-closed {
      margin: 4px 12px calc(14px + env(safe-area-inset-bottom));
    }

    .product-strip {
      order: 1;
    }
  }
`;
