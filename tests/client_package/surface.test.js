import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { failure, installed, ScriptedWire } from "./support/live.js";
import { tsc } from "./support/package.js";

/* Nothing that a user's frontend may use is missing: the package is compared with the server's OpenAPI document, its list of events, and
   its list of error codes. */

const PAGE = await readFile(new URL("../../docs/protocol.md", import.meta.url), "utf8");

const { haggle, consumer, library } = await installed();
const { Push } = await consumer.import("@haggle/client/push");
const openapi = await (await fetch(`${haggle.url}/api/v1/openapi.json`)).json();

/** The events that a table or the headings of the page name. */
const clientEvents = [...PAGE.split("## Client to server")[1].split("## Server to client")[0].matchAll(/^### `(\w+)`/gm)].map(([, name]) => name);
const serverEvents = [...PAGE.split("## Server to client")[1].split("## Entering")[0].matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(([, names]) => names.match(/\w+/g));

/** Routes that no frontend calls: the documentation's, and images, whose whole addresses come with their messages. */
// Why staff reads or removes something: a user gives none.
const STAFFS_REASON = "reason";
const NOT_CALLED = ["GET /api/v1/openapi.json", "GET /api/docs", "GET /api/docs/{file}", "GET /embed/{file}", "GET /api/v1/images/{key}", "GET /healthz", "GET /readyz", "GET /metrics"];

/** A call of each method of `rest`, with arguments of every kind. */
const CALLS = {
  getMe: [],
  getSettings: [],
  setSettings: [{ typing: true }],
  getUnread: [],
  openRoom: ["p"],
  listRooms: [{ archived: true, limit: 1, cursor: "c" }],
  getRoom: ["r"],
  setRoomSettings: ["r", { muted: true }],
  issueRoomToken: ["r"],
  listMessages: ["r", { before: 9, after: 1, limit: 5 }],
  sendMessage: ["r", { text: "Hello" }],
  editMessage: ["r", "m", "Hello"],
  deleteMessage: ["r", "m"],
  react: ["r", "m", "👍"],
  takeBackReaction: ["r", "m"],
  markRead: ["r", 1],
  markDelivered: ["r", 1],
  makeOffer: ["r", { amount: 1, currency: "USD" }],
  answerOffer: ["r", "m", { answer: "accept" }],
  sendImage: ["r", new Blob(["image"])],
  search: ["words", { limit: 1, cursor: "c" }],
  setProductStatus: ["p", "sold"],
  listBlocks: [{ limit: 1, cursor: "c" }],
  block: ["u"],
  unblock: ["u"],
  hasBlocked: ["u"],
  report: [{ roomId: "r", category: "spam" }],
  listCurrencies: [],
  isOriginAllowed: ["https://shop.example"],
  getFeatures: [],
};

/** Their requests, as `fetch` gets them. */
async function record() {
  const requests = [];
  const fetch = async (url, init) => {
    requests.push({ url: new URL(url), ...init });
    return new Response(JSON.stringify({ items: [], allowed: true }));
  };
  const client = new library.HaggleClient({ userId: "u", baseUrl: "https://chat.example", fetchToken: () => "token", wire: () => {}, fetch });
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(client.rest)).filter((name) => !["constructor", "whyNot", "send"].includes(name));
  assert.deepEqual(methods.sort(), Object.keys(CALLS).sort(), "each method has its call here");
  for (const [name, args] of Object.entries(CALLS)) await client.rest[name](...args);
  const push = new Push(client);
  await push.subscribe({ platform: "fcm", token: "t" });
  await push.list();
  await push.unsubscribe({ id: "s" });
  return { client, requests };
}

test("every route of the OpenAPI document that a user may call has its method, with every parameter", async () => {
  const { requests } = await record();
  const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
  );
  const open = operations.filter(({ name, operation }) => {
    const users = operation.security?.some((scheme) => "userToken" in scheme) ?? true;
    return users && !name.startsWith("HEAD ") && !NOT_CALLED.includes(name);
  });
  assert.ok(open.length >= 22, `${open.map(({ name }) => name)}`);
  const missing = [];
  for (const { name, path, operation } of open) {
    const [method] = name.split(" ");
    const address = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
    const calls = requests.filter(({ url, ...init }) => (init.method ?? "GET") === method && address.test(url.pathname));
    if (calls.length === 0) missing.push(name);
    const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === "query" && parameter.name !== STAFFS_REASON).map((parameter) => parameter.name);
    for (const parameter of parameters) if (!calls.some(({ url }) => url.searchParams.has(parameter))) missing.push(`${name}?${parameter}`);
    const authorized = operation.security === undefined || calls.every(({ headers }) => headers.authorization === "Bearer token");
    assert.ok(authorized, `${name} without a token`);
  }
  assert.deepEqual(missing, []);
  // And the other way round: what is called is there.
  const unknown = requests.filter(({ url, method = "GET" }) => {
    return !operations.some(({ name, path }) => name.startsWith(`${method} `) && new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`).test(url.pathname));
  });
  assert.deepEqual(unknown, []);
});

test("ids go into addresses as they are, whatever they contain", async () => {
  const paths = [];
  const fetch = async (url) => (paths.push(new URL(url).pathname), new Response("{}"));
  const client = new library.HaggleClient({ userId: "u", baseUrl: "https://chat.example/", fetchToken: () => "token", wire: () => {}, fetch });
  await client.rest.editMessage("a/b", "../?#", "Hello");
  await client.rest.block("ö%2f");
  assert.deepEqual(paths, ["/api/v1/rooms/a%2Fb/messages/..%2F%3F%23", "/api/v1/blocks/%C3%B6%252f"]);
});

test("every event that a client may send is typed, and goes out under its name", async () => {
  assert.ok(clientEvents.length >= 11, `${clientEvents}`);
  const wire = new ScriptedWire(Object.fromEntries(clientEvents.map((name) => [name, () => ({})])));
  const client = new library.HaggleClient({ userId: "u", baseUrl: "https://chat.example", fetchToken: () => "token", wire: wire.wire, fetch: async () => new Response("{}") });
  client.connect();
  await client.whenOpen();
  for (const name of clientEvents) await client.request(name, { roomId: "r" });
  const sent = new Set(wire.last.sent.map(({ event }) => event));
  client.close();
  assert.deepEqual(clientEvents.filter((name) => !sent.has(name)), []);
});

test("every event of the server reaches its listeners, an unknown one too", async () => {
  assert.ok(serverEvents.length >= 8, `${serverEvents}`);
  const wire = new ScriptedWire();
  const client = new library.HaggleClient({ userId: "u", baseUrl: "https://chat.example", fetchToken: () => "token", wire: wire.wire, fetch: async () => new Response('{"items":[]}') });
  const heard = [];
  client.on("push", ({ event }) => heard.push(`push ${event}`));
  for (const name of serverEvents) client.on(name, ({ mark }) => heard.push(`${name} ${mark}`));
  client.connect();
  await client.whenOpen();
  for (const name of [...serverEvents, "ofTomorrow"]) wire.last.pushed({ event: name, data: { mark: 7, id: "r", createdAt: "2026-01-01T00:00:00.000Z" } });
  client.close();
  assert.deepEqual(heard, [...serverEvents.flatMap((name) => [`push ${name}`, `${name} 7`]), "push ofTomorrow"]);
});

/** Which type has which schema. */
const SCHEMAS = {
  AnswerToOffer: '{ answer: t.OfferAnswer; amount?: number }',
  Block: "t.Block",
  Currency: "t.Currency",
  FoundMessage: "t.Found",
  FoundPage: "t.Page<t.Found>",
  MakeOffer: 't.ClientEvents["offer"]["data"]',
  Product: "t.Product",
  ReadUpTo: 't.ClientEvents["read"]["reply"]',
  Receipt: "t.Receipt",
  Room: "t.RoomInfo",
  RoomPage: "t.Page<t.InboxItem>",
  RoomSummary: "t.InboxItem",
  RoomToken: "t.RoomToken",
  Settings: "t.Settings",
  SettingsPatch: "Partial<t.Settings>",
  SnippetPart: "t.SnippetPart",
  StoredMessage: "t.Message",
  User: "t.User",
};

/** Enumerations by their types. */
const ENUMERATIONS = {
  ContactKind: "t.ContactKind",
  MessageKind: 't.Message["kind"]',
  OfferAnswer: "t.OfferAnswer",
  ProductStatus: "t.ProductStatus",
  ReportCategory: "t.ReportCategory",
};

test("the types have the fields of the OpenAPI document and of the lists of events and codes, all of them and no others", async () => {
  const union = (names) => names.map((name) => JSON.stringify(name)).join(" | ");
  const fields = (schema) =>
    (schema.allOf ?? [schema]).reduce(
      (all, part) => {
        const own = part.$ref ? fields(openapi.components.schemas[part.$ref.split("/").at(-1)]) : { names: Object.keys(part.properties), required: part.required ?? [] };
        return { names: [...all.names, ...own.names], required: [...all.required, ...own.required] };
      },
      { names: [], required: [] },
    );
  const checks = [];
  for (const [name, type] of Object.entries(SCHEMAS)) {
    const { names, required } = fields(openapi.components.schemas[name]);
    checks.push(`Equal<Keys<${type}>, ${union(names)}>`, `Equal<Required<${type}>, ${union(required) || "never"}>`);
  }
  for (const [name, type] of Object.entries(ENUMERATIONS)) checks.push(`Equal<${type}, ${union(openapi.components.schemas[name].enum)}>`);
  checks.push(`Equal<t.ServerErrorCode, ${union(openapi.components.schemas.ProblemDocument.properties.code.enum)}>`);
  checks.push(`Equal<keyof t.ClientEvents, ${union(clientEvents)}>`, `Equal<keyof t.ServerEvents, ${union(serverEvents)}>`);
  const statuses = PAGE.split("## Offers")[1].split("##")[0].matchAll(/^\|[^|]*\|[^|]*\| `(\w+)`/gm);
  checks.push(`Equal<t.OfferStatus, ${union([...new Set([...statuses].map(([, status]) => status))])}>`);
  await consumer.write(
    "schemas.ts",
    `import type * as t from "@haggle/client";
type Keys<T> = T extends unknown ? keyof T : never;
type Required<T> = T extends unknown ? { [K in keyof T]-?: {} extends Pick<T, K> ? never : K }[keyof T] : never;
type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : { missing: Exclude<B, A> }) : { unknown: Exclude<A, B> };
export const checks: [${checks.join(",\n  ")}] = [${checks.map(() => "true").join(", ")}];
`,
  );
  const options = { noEmit: true, strict: true, target: "ES2022", lib: ["ES2022", "DOM"], types: [], module: "NodeNext" };
  await consumer.write("tsconfig.json", JSON.stringify({ compilerOptions: options, files: ["schemas.ts"] }));
  assert.deepEqual(await tsc(consumer.folder, "-p", "."), []);
});

test("every code has a sentence that says what to do next", async () => {
  const declared = await consumer.read("types/types.d.ts");
  const codes = ["ServerErrorCode", "ClientErrorCode"].flatMap((name) => [...declared.split(`export type ${name} =`)[1].split(";")[0].matchAll(/"(\w+)"/g)].map(([, code]) => code));
  assert.ok(codes.length > 20, `${codes}`);
  const hints = codes.map((code) => new library.HaggleError(code).hint);
  assert.equal(new Set(hints).size, codes.length);
  for (const hint of hints) assert.match(hint, /^[A-Z].{15,}\.$/);
  assert.match(new library.HaggleError("of_tomorrow").hint, /final/);
});

test("the server's refusals arrive with their code, status and sentence", async (t) => {
  const room = await haggle.room();
  const client = new library.HaggleClient({ userId: room.buyer.id, baseUrl: haggle.url, fetchToken: () => haggle.token(room.buyer.id), wire: () => {} });
  t.after(() => client.close());
  for (const [attempt, code, status, sentence] of [
    [() => client.rest.getRoom("nothing"), "forbidden", 403, /room/],
    [() => client.rest.openRoom("nothing"), "not_found", 404, /./],
    [() => client.rest.markRead(room.id, -1), "invalid", 422, /`seq`/],
    [() => client.rest.sendMessage(room.id, { text: "x".repeat(20_000) }), "too_large", 413, /16384/],
    [() => client.rest.block("nobody"), "not_found", 404, /./],
  ]) {
    const error = await failure(attempt());
    assert.ok(error instanceof library.HaggleError, `${error}`);
    assert.deepEqual([error.code, error.status], [code, status], error.message);
    assert.match(error.message, sentence);
    assert.match(error.requestId, /^[0-9a-f]{32}$/);
    assert.equal(error.isTransient, false);
  }
});
