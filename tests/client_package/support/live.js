import { after } from "node:test";
import { io } from "socket.io-client";
import WebSocket from "ws";
import { Haggle } from "../../socket_io/support/haggle.js";
import { DEADLINE_MS, within } from "../../socket_io/support/waiting.js";
import { Consumer } from "./package.js";

export { Haggle, WebSocket };

/** For a file of tests: a server, a project that has the package installed, and what the package exports. */
export async function installed() {
  const [haggle, consumer] = await Promise.all([Haggle.start(), Consumer.install()]);
  after(async () => {
    await consumer.remove();
    await haggle.stop();
  });
  return { haggle, consumer, library: await consumer.import() };
}

/** The wires by their names, each made for a server. */
export const WIRES = {
  plain: (library, url) => library.plainWire(url, { WebSocket }),
  "Socket.IO": (library, url) => library.socketIoWire(url, io),
};

/** Waits until something is so, looking again whenever `emitter` says that it may be. */
export function when(emitter, event, isSo, what = isSo) {
  let off;
  const so = new Promise((resolve, reject) => {
    const look = () => {
      try {
        const value = isSo();
        if (value) resolve(value);
      } catch (error) {
        reject(error);
      }
    };
    off = emitter.on(event, look);
    look();
  });
  return within(DEADLINE_MS, so, () => String(what)).finally(off);
}

/** The error that a promise fails with. */
export async function failure(promise) {
  try {
    await within(DEADLINE_MS, promise, () => "neither success nor failure");
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

/**
 * A client of the package as it was installed, closed at the end of the test.
 *
 * @param {import("node:test").TestContext} t
 * @param {any} library what the package exports
 * @param {Haggle} haggle
 * @param {{id: string, token?: string}} user
 * @param {object} [options] of the client; `wire` by its name, `"default"` for the one that the client makes itself
 */
export function makeClient(t, library, haggle, user, { wire = "plain", ...options } = {}) {
  const client = new library.HaggleClient({
    userId: user.id,
    baseUrl: haggle.url,
    fetchToken: () => haggle.token(user.id),
    wire: WIRES[wire]?.(library, haggle.url),
    ...options,
  });
  t.after(() => client.close());
  return client;
}

/** Time stands still for `setTimeout` until the test turns it. Node.js 18 takes a list, later versions an object. */
export function stopTime(t) {
  try {
    t.mock.timers.enable({ apis: ["setTimeout"] });
  } catch {
    t.mock.timers.enable(["setTimeout"]);
  }
}

/** Connects, and enters a room. */
export async function enter(client, roomId) {
  client.connect();
  await within(DEADLINE_MS, client.whenOpen(), () => `no connection: ${client.error}`);
  const room = client.room(roomId);
  room.enter();
  await within(DEADLINE_MS, room.whenEntered(), () => "no entry");
  return room;
}

/** What tabs of one browser share, and how often each entry was written. Synchronous, as `localStorage` is. */
export class MemoryStorage {
  #entries = new Map();

  get length() {
    return this.#entries.size;
  }
  key(index) {
    return [...this.#entries.keys()][index] ?? null;
  }
  getItem(key) {
    return this.#entries.get(key) ?? null;
  }
  setItem(key, value) {
    this.#entries.set(key, String(value));
  }
  removeItem(key) {
    this.#entries.delete(key);
  }
}

/** The same as React Native's `AsyncStorage` has it. */
export class AsyncMemoryStorage {
  #entries = new Map();

  async getAllKeys() {
    return [...this.#entries.keys()];
  }
  async getItem(key) {
    return this.#entries.get(key) ?? null;
  }
  async setItem(key, value) {
    this.#entries.set(key, String(value));
  }
  async removeItem(key) {
    this.#entries.delete(key);
  }
}

/** A transport without a server. `attempts` holds each connection attempt: its token, what was sent, and a function that answers. */
export class ScriptedWire {
  attempts = [];
  #answers;

  /** @param {Record<string, (data: any) => any>} [answers] by event; an answer that is thrown is an error */
  constructor(answers = {}) {
    this.#answers = { heartbeat: () => ({ serverTime: new Date().toISOString(), pingIntervalMs: 60_000, pingTimeoutMs: 60_000 }), ...answers };
  }

  get last() {
    return this.attempts.at(-1);
  }

  /** What was sent, of one kind. */
  sent(event) {
    return this.attempts.flatMap(({ sent }) => sent).filter((sent) => sent.event === event);
  }

  wire = (token, events) => {
    const attempt = { token, sent: [], ...events };
    this.attempts.push(attempt);
    queueMicrotask(() => events.opened("haggle.v1"));
    return {
      request: (event, data, answered) => {
        attempt.sent.push({ event, data });
        const answer = this.#answers[event];
        if (!answer) return;
        try {
          const reply = answer(data);
          queueMicrotask(() => answered({ data: reply }));
        } catch (error) {
          queueMicrotask(() => answered({ error }));
        }
      },
      notify: (event, data) => attempt.sent.push({ event, data }),
      close: () => (attempt.closed = true),
    };
  };
}
