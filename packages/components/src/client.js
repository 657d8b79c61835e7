// @ts-check

/*
 * The only import by a package's name. A bundler finds it among the dependencies; the server hands out another file at this
 * address, which imports the same by a path.
 */
export { HaggleClient, HaggleError } from "@haggle/client";
