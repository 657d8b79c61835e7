// @ts-check
import { HaggleClient } from "./client/client.js";
import { plainWire } from "./client/plain_wire.js";
import { DemoRest } from "./client/rest.js";
import { socketIoWire } from "./client/socket_io_wire.js";
import { App } from "./ui/app.js";
import { html, render } from "./ui/view.js";
import { io } from "./vendor/socket.io.esm.min.js";

/**
 * Where the wire (`client/`) and the DOM (`ui/`) meet; neither imports the other.
 *
 * A marketplace has its own sign-in: instead of `demo.signIn`, its `fetchToken` asks its own backend.
 */
const demo = new DemoRest(`${location.origin}/api/v1`);

const wires = { socketIo: socketIoWire(location.origin, io), plain: plainWire(location.origin) };

/**
 * @param {string} userId
 * @param {import("./ui/wire_switch.js").WireName} wire
 */
const newClient = (userId, wire) =>
  new HaggleClient({
    userId,
    baseUrl: location.origin,
    fetchToken: () => demo.signIn(userId),
    storage: sessionStorage,
    wire: wires[wire],
  });

render(html`<${App} demo=${demo} newClient=${newClient} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
