// Rooms and messages in SQLite, for both runtimes. STORE: none, each (a commit for each message), grouped (one for all that
// came in a turn of the event loop). A message is told after its commit.
const sqlite = process.versions.bun ? await import("bun:sqlite") : await import("node:sqlite");
const db = process.versions.bun ? new sqlite.Database(process.env.DB) : new sqlite.DatabaseSync(process.env.DB);
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000");

const findRoom = db.prepare("SELECT buyer, seller FROM rooms WHERE id = ?");
const insert = db.prepare("INSERT INTO messages (room, sender, text, sent_at) VALUES (?, ?, ?, ?)");

export function isMember(room, user) {
  const found = findRoom.get(room);
  return !!found && (found.buyer === user || found.seller === user);
}

const write = ({ roomId, senderId, text }) => insert.run(roomId, senderId, text, Date.now());

/** Stores as STORE says, then calls `tell` with each message. */
export function storing(tell) {
  if (process.env.STORE === "each") {
    return (said) => {
      write(said);
      tell(said);
    };
  }
  if (process.env.STORE !== "grouped") return tell;
  let group = [];
  const commit = () => {
    const said = group;
    group = [];
    db.exec("BEGIN IMMEDIATE");
    said.forEach(write);
    db.exec("COMMIT");
    said.forEach(tell);
  };
  return (said) => {
    if (group.push(said) === 1) setImmediate(commit);
  };
}
