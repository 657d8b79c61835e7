// @ts-check
import { Icon } from "./icons.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** A reconnection that takes less than this is nobody's business. */
const PATIENCE_MS = 1_200;

/**
 * @param {{state: import("@haggle/client").ConnectionState, reconnectNow: () => void}} props
 */
export function ConnectionBanner({ state, reconnectNow }) {
  const { t } = useLanguage();
  const isDown = state === "connecting" || state === "waiting";
  const [shown, setShown] = useState(false);
  const wasOpen = useRef(false);
  if (state === "open") wasOpen.current = true;

  useEffect(() => {
    if (!isDown) return setShown(false);
    const timer = setTimeout(() => setShown(true), navigator.onLine ? PATIENCE_MS : 0);
    return () => clearTimeout(timer);
  }, [isDown]);

  // The region stays in the page: a live region that arrives together with its text is not read aloud.
  return html`<div class="banner-region" role="status">
    ${shown &&
    html`<div class="banner">
      <${Icon} name="offline" />
      <span>${!navigator.onLine ? t.offlineBanner : wasOpen.current ? t.reconnecting : t.connecting}</span>
      ${navigator.onLine && html`<button type="button" onClick=${reconnectNow}>${t.connectNow}</button>`}
    </div>`}
  </div>`;
}
