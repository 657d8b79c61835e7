// @ts-check
import { useLanguage } from "./language.js";
import { html } from "../components/ui/view.js";

/** @typedef {"socketIo" | "plain"} WireName */

/** What the wires call themselves, in every language. */
const NAMES = /** @type {[WireName, string][]} */ ([
  ["socketIo", "Socket.IO"],
  ["plain", "WebSocket + JSON"],
]);

/** In the session's storage, which belongs to one window: the buyer on one wire, the seller on the other. */
const WIRE_KEY = "haggle.wire";

/** @returns {WireName} */
export function preferredWire() {
  return sessionStorage.getItem(WIRE_KEY) === "plain" ? "plain" : "socketIo";
}

/** @param {WireName} wire */
export function rememberWire(wire) {
  sessionStorage.setItem(WIRE_KEY, wire);
}

/**
 * Which of the server's wires this window talks over. Nothing else on the page can tell them apart.
 *
 * @param {{wire: WireName, choose: (wire: WireName) => void}} props
 */
export function WireSwitch({ wire, choose }) {
  const { t } = useLanguage();
  return html`<div class="segments" role="group" aria-label=${t.wire}>
    ${NAMES.map(([name, label]) => html`<button type="button" aria-pressed=${String(name === wire)} onClick=${() => name !== wire && choose(name)}>${label}</button>`)}
  </div>`;
}
