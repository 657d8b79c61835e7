// Rooms and messages in SQLite, for both runtimes. A message is published after its commit.
//
// STORE: none; each (a commit for each message); grouped (one commit for all that came in a turn of the event loop); whole
// (grouped, and a message has its number in its room, and one that is sent twice is stored once and answered with the first).
// SYNC: NORMAL, or FULL, which syncs the log to the disk with each commit, as haggle does. PRAGMAS: more settings of SQLite.
const { DB, STORE, SYNC = "NORMAL", PRAGMAS = "" } = process.env;
const sqlite = process.versions.bun ? await import("bun:sqlite") : await import("node:sqlite");
const db = process.versions.bun ? new sqlite.Database(DB) : new sqlite.DatabaseSync(DB);
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${SYNC}; PRAGMA busy_timeout = 5000; ${PRAGMAS}`);

const findRoom = db.prepare("SELECT buyer, seller FROM rooms WHERE id = ?");

export function isMember(room, user) {
  const found = findRoom.get(room);
  return !!found && (found.buyer === user || found.seller === user);
}

/** A message as haggle's clients get it. */
const shown = ({ roomId, senderId, clientId, text }, id, seq, sentAt) => ({
  id,
  roomId,
  seq,
  senderId,
  clientId,
  kind: "text",
  text,
  sentAt,
});

/** One table, one index: a message's number is its row's, not its room's. */
function simple() {
  const insert = db.prepare("INSERT INTO messages (room, sender, client_id, text, sent_at) VALUES (?, ?, ?, ?, ?)");
  return (said, now, sentAt) => {
    const id = Number(insert.run(said.roomId, said.senderId, said.clientId ?? null, said.text, now).lastInsertRowid);
    return { message: shown(said, id, id, sentAt), isNew: true };
  };
}

/** Two more columns of which an index each holds the promise: no hole in a room's numbers, no message twice. */
function whole() {
  const insert = db.prepare(
    "INSERT INTO messages (room, seq, sender, client_id, text, sent_at) VALUES (?, ?, ?, ?, ?, ?)" +
      " ON CONFLICT (room, sender, client_id) WHERE client_id IS NOT NULL DO NOTHING",
  );
  const findLast = db.prepare("SELECT ifnull(max(seq), 0) AS seq FROM messages WHERE room = ?");
  const findFirst = db.prepare("SELECT id, seq, text, sent_at FROM messages WHERE room = ? AND sender = ? AND client_id = ?");
  const lastSeq = new Map();
  return (said, now, sentAt) => {
    const { roomId, senderId, clientId = null, text } = said;
    const seq = (lastSeq.get(roomId) ?? findLast.get(roomId).seq) + 1;
    const { changes, lastInsertRowid } = insert.run(roomId, seq, senderId, clientId, text, now);
    if (changes) {
      lastSeq.set(roomId, seq);
      return { message: shown(said, Number(lastInsertRowid), seq, sentAt), isNew: true };
    }
    const first = findFirst.get(roomId, senderId, clientId);
    const message = shown({ ...said, text: first.text }, first.id, first.seq, new Date(first.sent_at).toISOString());
    return { message, isNew: false };
  };
}

function none() {
  let id = 0;
  return (said, now, sentAt) => ({ message: shown(said, ++id, id, sentAt), isNew: true });
}

/** Stores as STORE says, then calls `publish` with each message, or `answer` with the first one of two and who sent them. */
export function storing(publish, answer) {
  const write = { each: simple, grouped: simple, whole }[STORE]?.() ?? none();
  const deliver = ({ message, isNew }, from) => (isNew ? publish(message) : answer(message, from));
  if (STORE !== "grouped" && STORE !== "whole") {
    return (said, from) => {
      const now = Date.now();
      deliver(write(said, now, new Date(now).toISOString()), from);
    };
  }
  let group = [];
  const commit = () => {
    const waiting = group;
    group = [];
    const now = Date.now();
    const sentAt = new Date(now).toISOString();
    db.exec("BEGIN IMMEDIATE");
    const stored = waiting.map(({ said }) => write(said, now, sentAt));
    db.exec("COMMIT");
    stored.forEach((outcome, place) => deliver(outcome, waiting[place].from));
  };
  return (said, from) => {
    if (group.push({ said, from }) === 1) setImmediate(commit);
  };
}
