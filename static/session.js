// @ts-check
import { plainWire } from "./client/plain_wire.js";
import { socketIoWire } from "./client/socket_io_wire.js";
import { HaggleClient } from "./components/index.js";
import { keepFocus } from "./components/ui/keep_focus.js";
import { DemoRest } from "./demo_rest.js";
import { shop } from "./styles/shop.js";
import { io } from "./vendor/socket.io.esm.min.js";

/*
 * What follows the sign-in, read after the first view: the components, and the clients that the demo hands to them. A page
 * that has one wire and one user leaves both to the components: `server` and `token-url` are enough.
 */

export { learnCurrencies } from "./components/ui/money.js";
export { App } from "./ui/app.js";

document.adoptedStyleSheets.push(shop());
keepFocus(/** @type {HTMLElement} */ (document.getElementById("app")));

/** The routes of the demo. */
export const demo = new DemoRest(`${location.origin}/api/v1`);

const wires = { socketIo: socketIoWire(location.origin, io), plain: plainWire(location.origin) };

/**
 * What somebody wrote without a connection outlives the window, and two windows of the same person share it.
 *
 * @param {{userId: string, wire: import("./ui/wire_switch.js").WireName, fetchToken: () => Promise<string>}} options
 *   `fetchToken`: in the demo anyone may have any token; a marketplace's page asks its own backend
 */
export const newClient = ({ userId, wire, fetchToken }) =>
  new HaggleClient({ userId, baseUrl: location.origin, fetchToken, storage: localStorage, wire: wires[wire] });
