import { connect } from "node:net";
import { builtBinary, freePort, ServerProcess } from "./process.js";

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
    const deadline = Date.now() + 30_000;
    while (!(await listens(port))) {
      if (!echo.#process.running || Date.now() > deadline) throw new Error(`wire_echo does not listen\n${echo.#process.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
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

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
