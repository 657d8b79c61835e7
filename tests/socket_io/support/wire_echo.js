import { connect } from "node:net";
import { builtBinary, freePort, ServerProcess } from "./process.js";
import { within } from "./waiting.js";

export const PING_INTERVAL_MS = 300;
export const PING_TIMEOUT_MS = 200;
export const CONNECT_TIMEOUT_MS = 1000;
export const MAX_PAYLOAD_BYTES = 1_000_000;

/** `examples/wire_echo`: the wires alone, without chat, tokens or rate limits. */
export class WireEcho {
  #process;
  url;

  /** @param {object} [times] others than those above */
  static async start({ pingInterval = PING_INTERVAL_MS, pingTimeout = PING_TIMEOUT_MS } = {}) {
    const echo = new WireEcho();
    const port = await freePort();
    echo.url = `http://127.0.0.1:${port}`;
    echo.#process = new ServerProcess(builtBinary("WIRE_ECHO_BIN", "examples/wire_echo"), [
      ...["--bind", `127.0.0.1:${port}`],
      ...["--ping-interval", String(pingInterval)],
      ...["--ping-timeout", String(pingTimeout)],
      ...["--connect-timeout", String(CONNECT_TIMEOUT_MS)],
      ...["--max-payload", String(MAX_PAYLOAD_BYTES)],
    ]);
    const gone = echo.#process.exited.then((how) => Promise.reject(new Error(`wire_echo ended with ${how}\n${echo.#process.output}`)));
    await within(30_000, Promise.race([listening(port), gone]), () => "wire_echo does not listen");
    return echo;
  }

  get webSocketUrl() {
    return this.url.replace("http", "ws");
  }

  async stop() {
    const { running, output } = this.#process;
    await this.#process.end("SIGKILL");
    if (!running || /panicked/.test(output)) throw new Error(`wire_echo was not well:\n${output}`);
  }
}

async function listening(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
