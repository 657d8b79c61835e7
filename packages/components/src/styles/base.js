// @ts-check
import { css } from "./css.js";

/**
 * The pieces that every view shares.
 *
 * `.plain-line`: Their writing system decides how people's words run and where they are cut, not where they stand.
 * `@media (forced-colors: active)`: The system's few colours: what is chosen has an edge, and what is said by a background alone has one, too.
 */
export const base = css`
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
    font-weight: 680;
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

  :focus-visible {
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
    width: 1.25rem;
    height: 1.25rem;
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
    font-weight: 650;
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
    font-weight: 650;
  }

  .avatar-s {
    width: 1.875rem;
    height: 1.875rem;
  }

  .avatar-xs {
    width: 1.25rem;
    height: 1.25rem;
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
    font-size: 0.8438rem;
    font-weight: 550;
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
    font-weight: 650;
  }

  .empty .button {
    margin-top: 8px;
    color: var(--ink);
  }

  @media (forced-colors: active) {
    [aria-current],
    [aria-pressed="true"],
    [aria-checked="true"] {
      outline: 2px solid Highlight;
      outline-offset: -2px;
    }

    :focus-visible {
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
