import { WebSocket } from "ws";
import { Log, within, DEADLINE_MS } from "./waiting.js";

/** Between the packets of one polling body. */
export const SEPARATOR = "\x1e";

/** One Engine.IO session over long-polling, request by request. */
export class Polling {
  constructor(base, path, handshake) {
    this.handshake = handshake;
    this.address = `${base}${path}?EIO=4&transport=polling&sid=${encodeURIComponent(handshake.sid)}`;
  }

  static async open(base, path = "/engine.io/") {
    const response = await fetch(`${base}${path}?EIO=4&transport=polling`);
    const body = await response.text();
    if (response.status !== 200 || body[0] !== "0") throw new Error(`no handshake: ${response.status} ${body}`);
    return new Polling(base, path, JSON.parse(body.slice(1)));
  }

  get(options = {}) {
    return fetch(this.address, { signal: AbortSignal.timeout(DEADLINE_MS), ...options });
  }

  post(body, headers = {}) {
    return fetch(this.address, { method: "POST", body, headers, signal: AbortSignal.timeout(DEADLINE_MS) });
  }

  /** The packets of one poll, which must succeed. */
  async poll() {
    const response = await this.get();
    const body = await response.text();
    if (response.status !== 200) throw new Error(`the poll was answered ${response.status} ${body}`);
    return body.split(SEPARATOR);
  }

  /** The packets but the pings, each of which is answered, until there are so many. */
  async packets(count) {
    const packets = [];
    while (packets.length < count) {
      for (const packet of await this.poll()) {
        if (packet === "2") await (await this.post("3")).text();
        else packets.push(packet);
      }
    }
    return packets;
  }

  /** Whether the server still knows the session. */
  async closed() {
    const response = await this.post("6");
    const { code } = response.status === 400 ? await response.json() : {};
    return response.status === 400 && code === 1;
  }
}

/** A WebSocket whose frames are kept until somebody asks. Pings are answered unless asked otherwise, and not kept. */
export class Frames {
  #log = new Log();
  #taken = 0;

  constructor(url, { answerPings = true, ...options } = {}) {
    this.socket = new WebSocket(url, options);
    this.openedAt = Date.now();
    this.opened = new Promise((resolve) => this.socket.once("open", resolve));
    this.closed = new Promise((resolve) => this.socket.once("close", (code) => resolve(code)));
    this.socket.on("error", () => {});
    this.socket.on("message", (data, binary) => {
      const frame = binary ? data : data.toString();
      if (answerPings && frame === "2") return this.socket.send("3");
      this.#log.add({ frame, at: Date.now() });
    });
  }

  /** The next frame: a string, or a Buffer. */
  async next() {
    const index = this.#taken++;
    await this.#log.find(() => this.#log.entries.length > index, `frame ${index}`);
    const { frame, at } = this.#log.entries[index];
    this.lastAt = at;
    return frame;
  }

  /** The close code; 1006 where the connection just ended. */
  closes() {
    return within(DEADLINE_MS, this.closed, () => `still open; it said ${JSON.stringify(this.#log.entries)}`);
  }

  send(...frames) {
    for (const frame of frames) this.socket.send(frame);
  }

  close() {
    this.socket.terminate();
  }
}

/** An Engine.IO session over WebSocket alone, after its handshake. */
export async function openFrames(t, base, path = "/engine.io/", options) {
  const frames = new Frames(`${base.replace("http", "ws")}${path}?EIO=4&transport=websocket`, options);
  t.after(() => frames.close());
  const open = await frames.next();
  if (open[0] !== "0") throw new Error(`no handshake: ${open}`);
  frames.handshake = JSON.parse(open.slice(1));
  return frames;
}

/** The WebSocket that an open polling session is about to move to. */
export async function openUpgrade(t, polling) {
  const url = polling.address.replace("http", "ws").replace("transport=polling", "transport=websocket");
  const frames = new Frames(url);
  t.after(() => frames.close());
  return frames;
}
