// @ts-check
import { HaggleClient } from "./client/client.js";
import { plainWire } from "./client/plain_wire.js";
import { socketIoWire } from "./client/socket_io_wire.js";
import { io } from "./vendor/socket.io.esm.min.js";

/*
 * Where the wire (`client/`) and the DOM (`ui/`) meet; neither imports the other. Read after the first view.
 */

export { App } from "./ui/app.js";

const wires = { socketIo: socketIoWire(location.origin, io), plain: plainWire(location.origin) };

/**
 * What somebody wrote without a connection outlives the window, and two windows of the same person share it.
 *
 * @param {{userId: string, wire: import("./ui/wire_switch.js").WireName, fetchToken: () => Promise<string>}} options
 *   `fetchToken`: in the demo anyone may have any token; a marketplace's page asks its own backend
 */
export const newClient = ({ userId, wire, fetchToken }) =>
  new HaggleClient({ userId, baseUrl: location.origin, fetchToken, storage: localStorage, wire: wires[wire] });
