// @ts-check
import { css } from "./css.js";

/** Where one writes. */
export const composer = css`
  .composer {
    padding: 4px 20px 14px;
  }

  .composer-box {
    display: flex;
    gap: 6px;
    align-items: flex-end;
    padding: 5px;
    border: 1px solid var(--line-strong);
    border-radius: 25px;
    background: var(--surface);
  }

  .composer-box:focus-within {
    border-color: var(--brand);
    box-shadow: 0 0 0 1.5px var(--brand);
  }

  .composer textarea {
    flex: 1;
    min-width: 0;
    max-height: 160px;
    padding: 8px 6px 8px 14px;
    border: 0;
    outline: none;
    background: none;
    color: inherit;
    font: inherit;
    line-height: 22px;
    resize: none;
  }

  .composer textarea::placeholder {
    overflow: hidden;
    color: var(--ink-soft);
    opacity: 1;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .send {
    display: grid;
    place-items: center;
    width: 38px;
    height: 38px;
    flex: none;
    border-radius: 50%;
    background: var(--brand);
    color: var(--on-brand);
    transition: background-color 0.15s;
  }

  .send:hover {
    background: var(--brand-strong);
  }

  .send:disabled {
    background: var(--sunken);
    color: var(--ink-soft);
  }

  .composer-hint {
    margin-top: 6px;
    padding-left: 20px;
    color: var(--ink-soft);
    font-size: 12px;
  }

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

  @media (pointer: coarse) {
    /* iOS zooms into anything smaller. */
    .composer textarea {
      font-size: 16px;
    }
  }

  @container conversation (max-width: 599px) {
    .composer {
      padding: 4px 10px calc(10px + env(safe-area-inset-bottom));
    }

    .composer-hint {
      display: none;
    }

    .composer-tool-label {
      position: absolute;
      overflow: hidden;
      clip-path: inset(50%);
    }

    .composer-tool:has(.composer-tool-label) {
      padding: 0;
    }

    .composer-closed {
      margin: 4px 12px calc(14px + env(safe-area-inset-bottom));
    }
  }

  /* A phone whose page is zoomed to twice its size. */
  @container conversation (max-width: 299px) {
    .composer-box {
      flex-wrap: wrap;
      justify-content: space-between;
    }

    .composer textarea {
      flex: 1 0 100%;
      order: -1;
    }
  }
`;
