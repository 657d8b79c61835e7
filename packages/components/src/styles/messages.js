// @ts-check
import { css } from "../ui/view.js";

/**
 * The history of a conversation.
 *
 * `overflow-anchor: none`: The list keeps its own place, also at the very top, where the browser would not.
 * `.loading-older`: Above the history, not in it: its coming and going must not move what is being read.
 * `word-break: keep-all`: Korean wraps between words. What has no spaces wraps anywhere.
 * `.group:not([data-own]) .line:not(:first-child) .bubble`: Bubbles of one group lean on each other on their sender's side.
 * `.bubble-emoji`: A face says more when it is seen.
 * `.line-row`: A message's menu: next to the bubble, under the pointer or the focus.
 * `@container conversation (width < 18.75rem)`: A phone whose page is zoomed to twice its size.
 * `@media (forced-colors: active)`: In forced colours there are none of one's own: a line says where a bubble ends.
 * `.line-menu`: On a touch screen a long touch opens it; the button stays for screen readers and keyboards.
 */
export const messages = css`
.history-frame {
  position: relative;
  flex: 1;
  min-height: 0;
}

.history {
  position: relative;
  height: 100%;
  padding: 16px 24px 20px;
  overflow-y: auto;
  overflow-anchor: none;
  overscroll-behavior: contain;
}

.history:focus-visible {
  outline-offset: -4px;
  border-radius: var(--radius-s);
}

.history-note,
.system {
  padding: 6px 12px;
  color: var(--ink-soft);
  font-size: 0.8125rem;
  text-align: center;
}

.loading-older {
  position: absolute;
  top: 10px;
  left: 50%;
  padding: 5px 14px;
  border-radius: 999px;
  background: var(--surface);
  box-shadow: var(--shadow-high);
  color: var(--ink-soft);
  font-size: 0.8125rem;
  transform: translateX(-50%);
}

.day,
.new-mark {
  display: flex;
  justify-content: center;
  margin: 18px 0 12px;
  color: var(--ink-soft);
  font-size: 0.8125rem;
  font-weight: 600;
  letter-spacing: 0;
}

.new-mark {
  gap: 12px;
  align-items: center;
  color: var(--signal);
}

.new-mark::before,
.new-mark::after {
  content: "";
  flex: 1;
  height: 1px;
  background: currentColor;
  opacity: 0.35;
}

.group {
  display: flex;
  gap: 10px;
  align-items: flex-end;
  margin-top: 12px;
}

.group[data-own] {
  justify-content: flex-end;
}

.group > .avatar {
  margin-bottom: 23px;
}

.group-lines {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 4px;
  max-width: min(74%, 35rem);
  justify-items: start;
}

.group[data-own] .group-lines {
  justify-items: end;
}

.line {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  justify-items: inherit;
  max-width: 100%;
}

.bubble {
  width: fit-content;
  max-width: 100%;
  padding: 8px 14px 9px;
  border-radius: var(--radius);
  background: var(--bubble-other);
  white-space: pre-wrap;
  word-break: keep-all;
}

.link {
  text-decoration: underline;
  text-underline-offset: 2px;
}

.link:focus-visible {
  outline-color: currentColor;
}

.group[data-own] .bubble {
  background: var(--bubble-own);
  color: var(--on-bubble-own);
}

.group:not([data-own]) .line:not(:first-child) .bubble {
  border-top-left-radius: 7px;
}

.group:not([data-own]) .line:not(:last-child) .bubble {
  border-bottom-left-radius: 7px;
}

.group[data-own] .line:not(:first-child) .bubble {
  border-top-right-radius: 7px;
}

.group[data-own] .line:not(:last-child) .bubble {
  border-bottom-right-radius: 7px;
}

.bubble-emoji,
.group[data-own] .bubble-emoji {
  padding: 0 4px;
  background: none;
  font-size: 2.125rem;
  line-height: 1.25;
}

.line[data-state="failed"] .bubble {
  background: none !important;
  box-shadow: inset 0 0 0 1.5px var(--danger);
  color: var(--ink) !important;
}

.bubble-deleted,
.group[data-own] .bubble-deleted {
  background: none;
  box-shadow: inset 0 0 0 1px var(--line);
  color: var(--ink-soft);
  font-style: italic;
}

.meta {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 8px;
  align-items: center;
  padding: 2px 6px 0;
  color: var(--ink-soft);
  font-size: 0.75rem;
  font-variant-numeric: tabular-nums;
}

.group[data-own] .meta {
  justify-content: flex-end;
}

.delivery {
  display: inline-flex;
  gap: 4px;
  align-items: center;
}

.line[data-state="read"] .delivery {
  color: var(--brand);
}

.meta-failed {
  color: var(--danger);
}

.retry,
.discard {
  display: inline-flex;
  gap: 4px;
  align-items: center;
  min-height: 1.75rem;
  font-weight: 600;
}

.discard {
  color: var(--ink-soft);
  text-decoration: underline;
  text-underline-offset: 2px;
}

.typing-dots {
  display: flex;
  gap: 6px;
  align-items: center;
  height: 2.375rem;
}

.group:has(.typing-dots) > .avatar {
  margin-bottom: 4px;
}

.typing-dots i {
  width: 7px;
  height: 7px;
  border-radius: 50%;
  background: var(--ink-soft);
  animation: dot 1.2s infinite ease-in-out;
}

.typing-dots i:nth-of-type(2) {
  animation-delay: 0.15s;
}

.typing-dots i:nth-of-type(3) {
  animation-delay: 0.3s;
}

@keyframes dot {
  0%,
  60%,
  100% {
    opacity: 0.35;
    transform: none;
  }
  30% {
    opacity: 1;
    transform: translateY(-3px);
  }
}

.to-end {
  position: absolute;
  right: 20px;
  bottom: 14px;
  display: inline-flex;
  gap: 6px;
  align-items: center;
  min-width: 2.5rem;
  min-height: 2.5rem;
  padding: 0 10px;
  border: 1px solid var(--line);
  border-radius: 999px;
  background: var(--surface);
  box-shadow: var(--shadow-high);
  font-size: 0.875rem;
  font-weight: 600;
}

.to-end[data-unseen] {
  right: 50%;
  padding: 0 12px 0 16px;
  border-color: transparent;
  background: var(--brand);
  color: var(--on-brand);
  transform: translateX(50%);
}

.line-row {
  position: relative;
  display: grid;
  gap: 4px;
  justify-items: inherit;
  max-width: 100%;
}

.quote {
  display: block;
  padding-inline-start: 10px;
  border-inline-start: 3px solid;
  font-size: 0.8125rem;
  text-align: start;
}

.reactions {
  display: flex;
  gap: 4px;
  margin-top: -5px;
  padding: 0 8px;
}

.reaction {
  position: relative;
  min-width: 2.25rem;
  min-height: 1.75rem;
  border: 1px solid var(--line);
  border-radius: 999px;
  background: var(--surface);
  text-align: center;
}

.reaction[aria-pressed="true"] {
  border-color: var(--brand);
  background: var(--brand-soft);
}

.line-menu {
  position: absolute;
  top: 50%;
  left: calc(100% + 4px);
  width: 2rem;
  height: 2rem;
  color: var(--ink-soft);
  opacity: 0;
  transform: translateY(-50%);
}

.group[data-own] .line-menu {
  right: calc(100% + 4px);
  left: auto;
}

.line-menu:hover {
  color: var(--ink);
}

.line:hover .line-menu,
.line-menu:focus-visible,
.line-menu[aria-expanded="true"] {
  opacity: 1;
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
  gap: 8px;
  align-items: flex-start;
  max-width: 26.25rem;
  margin-top: 3px;
  padding: 7px 12px 7px 10px;
  border-radius: var(--radius-s);
  background: var(--reserved);
  color: var(--on-reserved);
  font-size: 0.8125rem;
  line-height: 1.4;
}

@container conversation (width < 37.5rem) {
  .history {
    padding: 8px 14px 14px;
  }

  .group-lines {
    max-width: 82%;
  }
}

@container conversation (width < 18.75rem) {
  .group > .avatar {
    display: none;
  }
}

@media (forced-colors: active) {
  .bubble,
  .warning {
    border: 1px solid;
  }
}

@media (pointer: coarse) {
  .line-menu {
    pointer-events: none;
  }

  .line-row {
    -webkit-touch-callout: none;
    user-select: none;
  }
}
`;
