// @ts-check

/*
 * Served in place of the package's `client.js`: a browser finds no package by its name without an import map, which would be an
 * inline script of the host's page.
 */
export { HaggleClient, HaggleError } from "../client/index.js";
