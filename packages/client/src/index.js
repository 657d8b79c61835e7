// @ts-check

/*
 * What `@haggle/client` exports; `types/index.d.ts` describes it. Classes that only the client makes are types there, and no
 * exports.
 */

export { plainWire, PROTOCOLS } from "./plain_wire.js";
export { HaggleClient } from "./client.js";
export { HaggleError } from "./error.js";
export { newClientId } from "./outbox.js";
export { socketIoWire } from "./socket_io_wire.js";

/** The version of this package. */
export const VERSION = "0.1.0";
