import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect, connected, NEWEST, TRANSPORTS } from "./support/client.js";
import { Haggle } from "./support/haggle.js";
import { Nginx, MISSING as NGINX_MISSING } from "./support/nginx.js";
import { HAGGLE_BIN, MISSING as SHARED_MISSING, Shared } from "./support/shared.js";
import { until } from "./support/waiting.js";

/* One chat of two nodes on one PostgreSQL and one NATS, behind nginx as deploy/nginx.conf has it: buyers who poll and sellers who
   move to WebSocket, the two of each room on different nodes, all by one address. */

const PAIRS = 6;

/** What each of them says. A node dies when everybody has said half of it. */
const EACH = 30;

const MISSING = [...NGINX_MISSING, ...SHARED_MISSING];
const skip = MISSING.length > 0 && `no ${MISSING.join(" and no ")}: see CONTRIBUTING.md`;

const nodeOf = (socket) => socket.io.engine.id.split(".")[0];

/** What an application does: it keeps what it has received, asks for what it missed, and sends again what was not answered. */
class Member {
  received = [];
  said = new Map();
  faults = [];
  connections = 0;
  #isIn = false;

  constructor(name, room, socket) {
    Object.assign(this, { name, room, socket });
    socket.on("message", (message) => this.#receive(message, "live"));
    socket.on("disconnect", () => (this.#isIn = false));
    socket.on("connect", () => this.#enter());
    // It is connected already.
    this.#enter();
  }

  get last() {
    return this.received.length;
  }

  #receive({ seq, id }, how) {
    if (seq === this.last + 1) this.received.push(id);
    else this.faults.push(`${this.name} has ${this.last} and got ${seq} (${how})`);
  }

  #enter() {
    this.connections++;
    if (this.socket.recovered) this.#isIn = true;
    else this.#catchUp();
  }

  #catchUp() {
    // In the acknowledgement itself and not behind a promise: a live message may come in the same breath. There is none when the
    // connection has ended before: the next one enters.
    this.socket.emit("enterRoom", { roomId: this.room, after: this.last }, ({ ok, data }) => {
      if (!ok) return this.faults.push(`${this.name} may not enter`);
      for (const message of data.messages) this.#receive(message, "history");
      if (data.hasMore) this.#catchUp();
      else this.#isIn = true;
    });
  }

  isIn() {
    return until(() => this.#isIn, `${this.name} is in the room`);
  }

  async say(number) {
    const clientId = `${this.name}-${number}`;
    this.said.set(clientId, undefined);
    await until(async () => {
      await this.isIn();
      try {
        const answer = await this.socket.timeout(2000).emitWithAck("message", { roomId: this.room, text: clientId, clientId });
        if (answer.ok) this.said.set(clientId, answer.data.id);
        else assert.equal(answer.error.code, "unavailable");
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      }
      return this.said.get(clientId) !== undefined;
    }, `${clientId} is acknowledged`);
  }
}

describe("two nodes that are one chat, behind nginx", { skip }, () => {
  let folder, shared, nodes, nginx;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "haggle-nodes-"));
    shared = await Shared.start();
    const lines = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      for (const role of ["buyer", "seller"]) lines.push({ type: "user", id: `${role}-${pair}`, name: role });
      lines.push({ type: "product", id: `product-${pair}`, sellerId: `seller-${pair}`, title: `Product ${pair}` });
      lines.push({ type: "room", id: `room-${pair}`, productId: `product-${pair}`, buyerId: `buyer-${pair}` });
    }
    const file = join(folder, "rooms.ndjson");
    await writeFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    execFileSync(HAGGLE_BIN, ["import", "--database-url", shared.databaseUrl, file], { stdio: "pipe" });
    const start = (name) => {
      const flags = ["--node-name", name, "--trusted-proxies", "127.0.0.1", "--nats-url", shared.natsUrl, "--max-sends-per-second", "0"];
      return Haggle.start([...flags, "--image-store", join(folder, "images")], shared.databaseUrl, HAGGLE_BIN);
    };
    nodes = { a: await start("a"), b: await start("b") };
    nginx = await Nginx.start({ a: new URL(nodes.a.url).host, b: new URL(nodes.b.url).host });
  });

  after(async () => {
    await nginx?.stop();
    for (const node of Object.values(nodes ?? {})) await node.stop();
    await shared?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (t, user, transports) =>
    connect(t, { ...NEWEST, transports }, `${nginx.url}/chat`, { token: nodes.a.token(user), ca: nginx.ca });

  /** A member of a room, in it, on any node but `elsewhere`: nginx chooses, so it is tried until it has. */
  async function enter(t, user, room, transports, elsewhere) {
    let socket;
    await until(async () => {
      socket?.disconnect();
      socket = open(t, user, transports);
      await connected(socket);
      return nodeOf(socket) !== elsewhere;
    }, `nginx sends ${user} to another node than ${elsewhere}`);
    const member = new Member(user, room, socket);
    await member.isIn();
    return member;
  }

  test("members on different nodes talk by one address, and one node's death loses nothing", async (t) => {
    t.after(() => nodes.a.running || nodes.a.restart());
    const members = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const buyer = await enter(t, `buyer-${pair}`, `room-${pair}`, TRANSPORTS["polling only"]);
      const seller = await enter(t, `seller-${pair}`, `room-${pair}`, undefined, nodeOf(buyer.socket));
      members.push(buyer, seller);
    }
    const sellers = members.filter(({ name }) => name.startsWith("seller"));
    const isOnWebSocket = ({ socket }) => socket.io.engine.transport.name === "websocket";
    await until(() => sellers.every(isOnWebSocket), "every seller has moved to WebSocket");
    const onA = members.filter(({ socket }) => nodeOf(socket) === "a");
    assert.equal(onA.length, PAIRS, "one of each room");

    const speak = async (member, from, to) => {
      for (let number = from; number < to; number++) await member.say(number);
    };
    const everybody = (from, to) => Promise.all(members.map((member) => speak(member, from, to)));
    await everybody(0, EACH / 3);
    // In the middle of what everybody says.
    const saying = everybody(EACH / 3, EACH);
    await until(() => members.every(({ said }) => said.size > EACH / 2), "everybody has said half of it");
    await nodes.a.kill();
    await saying;

    const whole = 2 * EACH;
    await until(() => members.every(({ received }) => received.length >= whole), "everybody has everything").catch((error) => {
      const late = members.filter(({ received }) => received.length < whole).map(({ name, last }) => `${name} has ${last}`);
      throw new Error(`${error.message}: ${late}`);
    });
    assert.deepEqual(members.flatMap(({ faults }) => faults), [], "in order, and once");
    for (let pair = 0; pair < members.length; pair += 2) {
      const [buyer, seller] = members.slice(pair, pair + 2);
      assert.deepEqual(buyer.received, seller.received);
      const acknowledged = [...buyer.said.values(), ...seller.said.values()];
      assert.deepEqual(new Set(buyer.received), new Set(acknowledged));
      assert.equal(buyer.received.length, whole);
    }
    for (const { socket } of members) assert.equal(nodeOf(socket), "b");
    for (const { connections } of onA) assert.ok(connections >= 2, "the first connection and the one to the other node");
    await until(() => sellers.every(isOnWebSocket), "every seller is on WebSocket again");
  });
});
