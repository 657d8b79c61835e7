import * as newest from "socket.io-client";
import * as v45 from "socket.io-client-4-5";
import * as v47 from "socket.io-client-4-7";
import { DEADLINE_MS, Log, within } from "./waiting.js";

/** The newest one, one that knows recovery but not all that came later, and one from before recovery (4.6). */
export const VERSIONS = [
  { version: "4.8", io: newest.io, Manager: newest.Manager, recovers: true },
  { version: "4.7", io: v47.io, Manager: v47.Manager, recovers: true },
  { version: "4.5", io: v45.io, Manager: v45.Manager, recovers: false },
];

export const TRANSPORTS = {
  "default transports": undefined,
  "websocket only": ["websocket"],
  "polling only": ["polling"],
};

/** Every version over each transport. */
export const CLIENTS = VERSIONS.flatMap((client) =>
  Object.entries(TRANSPORTS).map(([name, transports]) => ({ ...client, name: `${client.version}, ${name}`, transports })),
);

/** The newest version, where a test is about the server alone. */
export const NEWEST = CLIENTS[0];

/**
 * A connection of the official client, closed when the test has ended. It returns quickly, so that tests do, and shares
 * nothing with the other connections of this process.
 *
 * @param {import("node:test").TestContext} t
 * @param {typeof CLIENTS[number]} client
 * @param {string} url with its namespace
 * @param {object} [options] of the official client; `token` is short for `auth: {token}`
 */
export function connect(t, client, url, { token, ...options } = {}) {
  const socket = client.io(url, {
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
    ...(client.transports && { transports: client.transports }),
    ...(token && { auth: { token } }),
    ...options,
  });
  t.after(() => {
    socket.disconnect();
    // Also where the server refused this namespace and another one holds the connection open.
    socket.io.engine?.close();
  });
  return socket;
}

/** Everything that a socket says, from now on: its events, and `connect`, `connect_error` and `disconnect`. */
export class Ear {
  #log = new Log();

  constructor(socket) {
    socket.onAny((event, ...args) => this.#log.add({ event, data: args[0], args }));
    for (const event of ["connect", "connect_error", "disconnect"]) {
      socket.on(event, (...args) => this.#log.add({ event, data: args[0], args }));
    }
  }

  /** The data of the first such event, past or future, that fits. */
  async hears(event, fits = () => true, ms = DEADLINE_MS) {
    const found = await this.#log.find((entry) => entry.event === event && fits(entry.data), `event \`${event}\` ${fits}`, ms);
    return found.data;
  }

  /** The data of every such event so far. */
  all(event) {
    return this.#log.entries.filter((entry) => entry.event === event).map(({ data }) => data);
  }

  /** Every event with all its arguments. */
  get entries() {
    return this.#log.entries;
  }

  /** The names of all that was heard, in order. */
  get events() {
    return this.#log.entries.map(({ event }) => event);
  }

  /** The texts of the messages so far. */
  get texts() {
    return this.all("message").map(({ text }) => text);
  }
}

/** Waits for the next event of that name; for `connect` and the like on a socket that nobody listens to yet. */
export function next(emitter, event, ms = DEADLINE_MS) {
  const heard = new Promise((resolve) => emitter.once(event, resolve));
  return within(ms, heard, () => `no event \`${event}\``);
}

/** Waits until a socket is connected. */
export async function connected(socket) {
  if (!socket.connected) await next(socket, "connect");
  return socket;
}

/** Emits with an acknowledgement, and waits for it: `{ok, data}` or `{ok, error}`. */
export function ask(socket, event, ...data) {
  const answered = new Promise((resolve) => socket.emit(event, ...data, resolve));
  return within(DEADLINE_MS, answered, () => `no acknowledgement of \`${event}\``);
}

/** Emits with an acknowledgement that must be good, and waits for its data. */
export async function askWell(socket, event, ...data) {
  const answer = await ask(socket, event, ...data);
  if (!answer?.ok) throw new Error(`\`${event}\` was answered ${JSON.stringify(answer)}`);
  return answer.data;
}

/**
 * A connection to `/chat` that has entered a room, and everything that it hears there.
 *
 * @returns {Promise<any>} the socket, with its {@link Ear} as `ear` and the answer to `enterRoom` as `entered`
 */
export async function enter(t, client, haggle, room, member, options = {}) {
  const socket = connect(t, client, `${haggle.url}/chat`, { token: member.token, ...options });
  socket.ear = new Ear(socket);
  socket.entered = await askWell(socket, "enterRoom", room.id);
  return socket;
}
