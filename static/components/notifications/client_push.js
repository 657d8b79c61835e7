// @ts-check

/* Served in place of the package's file of this name, as `client.js` is. */
export { Push } from "../../client/push.js";
