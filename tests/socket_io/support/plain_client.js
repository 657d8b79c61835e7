import { WebSocket } from "ws";
import { Log, within, DEADLINE_MS } from "./waiting.js";

/** The plain wire: `/ws/chat`, one JSON object a frame. */
export class PlainClient {
  #log = new Log();
  #asked = 0;

  static async open(t, url, token) {
    const client = new PlainClient();
    client.socket = new WebSocket(`${url.replace("http", "ws")}/ws/chat`, ["haggle.v1", `bearer.${token}`]);
    client.socket.on("message", (text) => client.#log.add(JSON.parse(text)));
    t.after(() => client.socket.terminate());
    const opened = new Promise((resolve, reject) => client.socket.once("open", resolve).once("error", reject));
    await within(DEADLINE_MS, opened, () => "the plain wire does not open");
    return client;
  }

  say(event, data) {
    this.socket.send(JSON.stringify({ event, data }));
  }

  async ask(event, data) {
    const id = ++this.#asked;
    this.socket.send(JSON.stringify({ event, data, id }));
    return this.#log.find(({ reply }) => reply === id, `reply to ${event}`);
  }

  async askWell(event, data) {
    const { error, data: answer } = await this.ask(event, data);
    if (error) throw new Error(`${event}: ${JSON.stringify(error)}`);
    return answer;
  }

  async hears(event, fits = () => true) {
    return (await this.#log.find((frame) => frame.event === event && fits(frame.data), `push \`${event}\``)).data;
  }
}
