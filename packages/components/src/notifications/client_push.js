// @ts-check

/* As `client.js` next to it: the server hands out another file at this address. */
export { Push } from "@haggle/client/push";
