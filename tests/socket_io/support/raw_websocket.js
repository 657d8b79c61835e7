import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { DEADLINE_MS, Log, within } from "./waiting.js";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/**
 * A frame as a client writes it, or as no client should: every bit is the test's own.
 *
 * @param {number} opcode
 * @param {Buffer | string} payload
 * @param {{fin?: boolean, reserved?: number, masked?: boolean, length?: number}} [bits] `length` announces another one
 */
export function frame(opcode, payload = "", { fin = true, reserved = 0, masked = true, length, wide } = {}) {
  const body = Buffer.from(payload);
  const announced = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  let extended = Buffer.alloc(0);
  if (announced < 126 && !wide) head.push(mask | announced);
  else if (announced < 65536 && wide !== 8) {
    head.push(mask | 126);
    extended = Buffer.alloc(2);
    extended.writeUInt16BE(announced);
  } else {
    head.push(mask | 127);
    extended = Buffer.alloc(8);
    extended.writeBigUInt64BE(BigInt(announced));
  }
  if (!masked) return Buffer.concat([Buffer.from(head), extended, body]);
  const key = randomBytes(4);
  const hidden = Buffer.from(body.map((byte, index) => byte ^ key[index % 4]));
  return Buffer.concat([Buffer.from(head), extended, key, hidden]);
}

/** A close frame with a code and a reason. */
export function closeFrame(code, reason = "") {
  const body = Buffer.alloc(2);
  body.writeUInt16BE(code);
  return frame(OPCODE.close, Buffer.concat([body, Buffer.from(reason)]));
}

/** A WebSocket of bare bytes. What the server sends is read strictly. */
export class RawWebSocket {
  #bytes = Buffer.alloc(0);
  #log = new Log();
  #taken = 0;

  /** @param {import("node:test").TestContext} t */
  static async open(t, url, headers = []) {
    const { hostname, port, pathname, search } = new URL(url);
    const raw = new RawWebSocket();
    raw.socket = connect(Number(port), hostname);
    raw.socket.setNoDelay();
    t.after(() => raw.socket.destroy());
    raw.ended = new Promise((resolve) => raw.socket.once("end", resolve).once("close", resolve));
    raw.socket.on("error", () => {});
    raw.socket.write(
      [`GET ${pathname}${search} HTTP/1.1`, `Host: ${hostname}:${port}`, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ...headers, "", ""].join("\r\n"),
    );
    const opened = new Promise((resolve) => {
      raw.socket.on("data", (data) => {
        raw.#bytes = Buffer.concat([raw.#bytes, data]);
        if (!raw.head) {
          const end = raw.#bytes.indexOf("\r\n\r\n");
          if (end < 0) return;
          raw.head = raw.#bytes.subarray(0, end).toString();
          raw.#bytes = raw.#bytes.subarray(end + 4);
          resolve();
        }
        raw.#parse();
      });
    });
    await within(DEADLINE_MS, Promise.race([opened, raw.ended]), () => "no answer to the handshake");
    return raw;
  }

  send(...frames) {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame: `{opcode, fin, payload}`. */
  async next() {
    const index = this.#taken++;
    await this.#log.find(() => this.#log.entries.length > index, `frame ${index}`);
    return this.#log.entries[index];
  }

  /** The code of the close frame that must be next, `undefined` for one without. TCP has to end right after it. */
  async closes() {
    const { opcode, payload } = await this.next();
    if (opcode !== OPCODE.close) throw new Error(`frame ${opcode} instead of a close: ${payload}`);
    const answered = Date.now();
    await within(DEADLINE_MS, this.ended, () => "TCP stays open after the close");
    this.endedAfterMs = Date.now() - answered;
    return payload.length > 0 ? payload.readUInt16BE() : undefined;
  }

  #parse() {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      if (bytes[0] & 0x70 || bytes[1] & 0x80) throw new Error("the server set a reserved bit or masked its frame");
      let [length, at] = [bytes[1] & 0x7f, 2];
      if (length === 126) {
        if (bytes.length < 4) return;
        [length, at] = [bytes.readUInt16BE(2), 4];
      } else if (length === 127) {
        if (bytes.length < 10) return;
        [length, at] = [Number(bytes.readBigUInt64BE(2)), 10];
      }
      if (bytes.length < at + length) return;
      this.#log.add({ opcode: bytes[0] & 0x0f, fin: Boolean(bytes[0] & 0x80), payload: bytes.subarray(at, at + length) });
      this.#bytes = bytes.subarray(at + length);
    }
  }
}
