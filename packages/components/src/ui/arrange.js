// @ts-check

/** @typedef {import("@haggle/client").Message} Message */
/** @typedef {import("@haggle/client").Draft} Draft */

/** Messages of one sender within this time share one group: one picture, one time. */
const GROUP_MS = 5 * 60_000;

/**
 * @typedef {"sending" | "failed" | "sent" | "delivered" | "read"} State
 * @typedef {{key: string, text?: string, at: string, state?: State, showsState?: boolean, message?: Message, draft?: Draft}} Line
 *   `showsState`: it is the last one in its state, which is said there and nowhere else
 * @typedef {{kind: "group", key: string, own: boolean, lines: Line[]}} Group
 * @typedef {{kind: "day", key: string, at: string}
 *   | {kind: "new", key: string, count: number}
 *   | {kind: "system", key: string, message: Message}
 *   | Group} Block
 */

/**
 * Whether a message counts as unread for somebody, read marks aside: it is the other's, and not about what they did themselves.
 *
 * @param {Message} message
 * @param {string} userId
 */
export function isNews({ kind, senderId, data }, userId) {
  return senderId !== userId && !(kind === "system" && /** @type {any} */ (data)?.about === userId);
}

/**
 * Arranges a conversation for the eye: by day, by sender, with a line where the unread ones begin.
 *
 * @param {Message[]} messages
 * @param {readonly Draft[]} drafts
 * @param {{ownUserId: string, stateOf: (message: Message) => State | undefined, unread: Message[], groupKeys: Map<string, string>}} context
 *   `unread` are those under the line; `groupKeys` remembers the group of each line: a group that grows at its top must stay the same elements
 * @returns {Block[]}
 */
export function arrange(messages, drafts, { ownUserId, stateOf, unread, groupKeys }) {
  /** @type {Block[]} */
  const blocks = [];
  let day = "";

  /** @param {string} at */
  const startDay = (at) => {
    const date = new Date(at).toDateString();
    if (date !== day) blocks.push({ kind: "day", key: `day-${date}`, at });
    day = date;
  };
  /** @param {boolean} own @param {Line} line */
  const put = (own, line) => {
    const last = blocks.at(-1);
    const near = last?.kind === "group" && Date.parse(line.at) - Date.parse(last.lines[last.lines.length - 1].at) < GROUP_MS;
    if (last?.kind === "group" && last.own === own && near) last.lines.push(line);
    else blocks.push({ kind: "group", key: `group-${line.key}`, own, lines: [line] });
  };

  for (const message of messages) {
    const own = message.senderId === ownUserId;
    startDay(message.sentAt);
    if (message.seq === unread[0]?.seq) blocks.push({ kind: "new", key: "new", count: unread.length });
    if (message.kind === "system") {
      blocks.push({ kind: "system", key: message.id, message });
      continue;
    }
    // The `clientId` is the key from the first keystroke to the last receipt, so that a bubble never jumps or blinks.
    put(own, {
      key: message.clientId ?? message.id,
      text: message.text,
      at: message.sentAt,
      state: stateOf(message),
      message,
    });
  }
  const stored = new Set(messages.map(({ clientId }) => clientId));
  for (const draft of drafts) {
    if (stored.has(draft.clientId)) continue;
    startDay(draft.createdAt);
    put(true, { key: draft.clientId, text: draft.text, at: draft.createdAt, state: draft.state, draft });
  }

  const groups = blocks.filter((block) => block.kind === "group");
  nameGroups(groups, groupKeys);
  sayStatesOnce(groups);
  return blocks;
}

/** @param {Group[]} groups @param {Map<string, string>} groupKeys */
function nameGroups(groups, groupKeys) {
  const taken = new Set();
  for (const group of groups) {
    const known = group.lines.map(({ key }) => groupKeys.get(key)).find((key) => key && !taken.has(key));
    group.key = known ?? group.key;
    taken.add(group.key);
    for (const { key } of group.lines) groupKeys.set(key, group.key);
  }
}

/** What was read up to one message was read before it, too: each state is said at the last one that has it. @param {Group[]} groups */
function sayStatesOnce(groups) {
  const said = new Set();
  for (const line of groups.flatMap(({ lines }) => lines).reverse()) {
    line.showsState = line.state !== undefined && !said.has(line.state);
    said.add(line.state);
  }
}
