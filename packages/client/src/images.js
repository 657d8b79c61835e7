// @ts-check

/**
 * Makes the addresses of images whole, in place. A server that does not know under which address it is reached gives paths,
 * which are its own and not those of the page.
 *
 * @template T
 * @param {T} received what the server sent: messages, or something with messages in it
 * @param {string} server its address, without a slash at the end
 * @returns {T}
 */
export function resolveImages(received, server) {
  if (typeof received !== "object" || received === null) return received;
  const { kind, data } = /** @type {any} */ (received);
  if (typeof kind !== "string") {
    for (const part of Object.values(received)) resolveImages(part, server);
  } else if (kind === "image" && data) {
    // Of a message nothing else is looked into: the rest of it is as its sender wrote it.
    for (const name of ["url", "thumbnailUrl"]) {
      if (/^\/(?!\/)/.test(data[name])) data[name] = server + data[name];
    }
  }
  return received;
}
