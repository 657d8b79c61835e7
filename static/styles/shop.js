// @ts-check
import { css } from "../components/ui/view.js";

/** What follows the sign-in: the frame of the shop, its products, and the dialog of the account. */
export const shop = css`
  /* The frame of the shop: its top bar, the place for the messenger, and the dialog of the account. */
  .app {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    height: 100dvh;
    max-width: 92.5rem;
    margin: 0 auto;
    padding-inline: env(safe-area-inset-left) env(safe-area-inset-right);
  }

  .topbar {
    display: flex;
    gap: 20px;
    align-items: center;
    padding: 12px 20px 10px;
  }

  .tabs {
    display: flex;
    gap: 4px;
    flex: 1;
  }

  .tabs a {
    display: inline-flex;
    gap: 8px;
    align-items: center;
    padding: 8px 14px;
    border-radius: 999px;
    color: var(--ink-soft);
    font-size: 0.875rem;
    font-weight: 600;
  }

  .tabs a:hover {
    color: var(--ink);
  }

  .tabs a[aria-current] {
    background: var(--brand-soft);
    color: var(--on-brand-soft);
  }

  .account-button {
    display: inline-flex;
    gap: 8px;
    align-items: center;
    min-height: 2.625rem;
    padding: 5px 12px 5px 6px;
    border: 1px solid var(--line);
    border-radius: 999px;
    background: var(--surface);
    font-size: 0.875rem;
    font-weight: 600;
  }

  .account-button:hover {
    background: var(--hover);
  }

  .account-button .icon {
    width: 1.0625rem;
    height: 1.0625rem;
    color: var(--ink-soft);
  }

  .app > main {
    min-height: 0;
    /* Two panes need this width: where there is little more, they touch the edges. */
    padding: 4px clamp(0px, (100vw - 62.5rem) / 2, 20px) 20px;
  }

  .app haggle-messenger {
    height: 100%;
  }

  .no-chats {
    display: grid;
    gap: 16px;
    justify-items: center;
  }

  .app .dialog .people {
    grid-template-columns: 1fr;
    gap: 16px;
  }

  .app .dialog .person {
    padding: 8px 12px;
  }

  /* One pane: a conversation gets the whole height. */
  @media (width < 62.5rem) {
    .app > main {
      padding: 0;
    }

    .app[data-view="room"] {
      grid-template-rows: minmax(0, 1fr);
    }

    .app[data-view="room"] .topbar {
      display: none;
    }
  }

  @media (width < 45rem) {
    .topbar {
      justify-content: space-between;
      padding: 10px 12px 8px 16px;
    }

    .account-name {
      display: none;
    }

    .tabs {
      position: fixed;
      inset: auto 0 0;
      z-index: 2;
      gap: 0;
      padding: 6px 12px calc(6px + env(safe-area-inset-bottom));
      border-top: 1px solid var(--line);
      background: var(--surface);
    }

    .tabs a {
      position: relative;
      flex: 1;
      flex-direction: column;
      gap: 2px;
      justify-content: center;
      padding: 5px;
      border-radius: var(--radius-s);
      font-size: 0.75rem;
    }

    .tabs a[aria-current] {
      background: none;
    }

    .tabs .icon {
      width: 1.5rem;
      height: 1.5rem;
    }

    .tabs haggle-unread {
      position: absolute;
      top: 0;
      left: calc(50% + 6px);
    }

    .tabs haggle-unread::part(badge) {
      border: 2px solid var(--surface);
      box-sizing: content-box;
      height: 1.125rem;
      min-width: 1.125rem;
      padding: 0 4px;
    }

    .app:not([data-view="room"]) > main {
      padding: 0 0 calc(3.875rem + env(safe-area-inset-bottom));
    }
  }

  /* A phone that lies on its side. */
  @media (height < 30rem) {
    .topbar {
      padding-block: 4px;
    }
  }

  /* A phone whose page is zoomed to twice its size. */
  @media (width < 18.75rem) {
    .topbar .brand span {
      position: absolute;
      clip-path: inset(50%);
    }
  }

  /* The conversations are always in sight there. */
  @media (width >= 62.5rem) {
    .tabs .tab-chats {
      display: none;
    }
  }

  @media (width >= 45rem) {
    /* Everybody at one glance, and the switches under them. */
    .app .dialog {
      width: min(47.5rem, calc(100vw - 1.5rem));
    }

    .app .dialog .people {
      grid-template-columns: repeat(2, minmax(0, 1fr));
      gap: 20px;
    }

    .app .dialog .person-things {
      display: none;
    }
  }

  /* The products. */
  .market {
    padding: 26px 28px 32px;
    container: market / inline-size;
  }

  .market-head {
    margin-bottom: 22px;
  }

  .market-head h1 {
    font-size: 1.625rem;
    letter-spacing: -0.03em;
  }

  .market-head p {
    margin-top: 4px;
    color: var(--ink-soft);
  }

  .products {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(13.25rem, 1fr));
    gap: 24px 20px;
  }

  .product {
    position: relative;
    display: flex;
    flex-direction: column;
  }

  .picture-card {
    aspect-ratio: 4 / 3;
    border-radius: 16px;
  }

  .product[data-status="sold"] .picture-card img {
    filter: grayscale(0.85) opacity(0.75);
  }

  .product-status {
    position: absolute;
    top: 10px;
    left: 10px;
    padding: 3px 10px;
    font-size: 0.75rem;
  }

  .product-text {
    display: grid;
    flex: 1;
    grid-template-rows: auto auto auto 1fr;
    gap: 2px;
    padding: 10px 2px 0;
  }

  .product-title {
    text-align: left;
    font-size: 0.9375rem;
    font-weight: 550;
    letter-spacing: -0.005em;
    line-height: 1.35;
  }

  .product-price {
    font-size: 1.125rem;
    font-weight: 720;
    font-variant-numeric: tabular-nums;
    letter-spacing: -0.02em;
  }

  .product-seller {
    display: flex;
    gap: 6px;
    align-items: center;
    color: var(--ink-soft);
    font-size: 0.8125rem;
  }

  .avatar-xs {
    width: 1.25rem;
    height: 1.25rem;
  }

  .product-text > :is(.button, .product-own) {
    align-self: end;
    margin-top: 10px;
  }

  .product-own {
    padding: 10px 0;
    color: var(--ink-soft);
    font-size: 0.875rem;
    line-height: 1.3;
  }

  @media (width < 45rem) {
    .market {
      padding: 20px 16px 24px;
    }
  }

  /* A row for each where two cards would not fit. */
  @container market (width < 27.5rem) {
    .products {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }

    .product {
      flex-direction: row;
      gap: 14px;
      padding: 14px 0;
      border-top: 1px solid var(--line);
    }

    .product:first-child {
      border-top: 0;
      padding-top: 0;
    }

    .picture-card {
      width: 7.375rem;
      height: 7.375rem;
      aspect-ratio: auto;
    }

    .product-status {
      top: 22px;
      left: 8px;
    }

    .product:first-child .product-status {
      top: 8px;
    }

    .product-text {
      padding: 0;
    }

    .product-text > .button {
      justify-self: start;
      min-height: 2.375rem;
    }
  }

  /* A phone whose page is zoomed to twice its size. */
  @container market (width < 16.25rem) {
    .product {
      flex-direction: column;
    }
  }
`;
