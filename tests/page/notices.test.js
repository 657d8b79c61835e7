/* What the server says by a code, in each of the page's languages. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { en } from "../../packages/components/src/languages/en.js";
import { ko } from "../../packages/components/src/languages/ko.js";
import { named, reasonText, senderOf, systemText } from "../../packages/components/src/ui/message_text.js";

const languages = { en, ko };

const notice = (status) => ({ text: "in English", data: { code: "product_status", params: { status } } });

test("a notice is put into the reader's language by its code and parameters", () => {
  assert.equal(systemText(notice("sold"), languages.ko), "판매가 완료되었어요");
  for (const t of Object.values(languages)) {
    const said = ["on_sale", "reserved", "sold"].map((status) => systemText(notice(status), t));
    assert.equal(new Set([...said, "in English"]).size, 4);
  }
});

/** The templates of `POST /rooms/{id}/warnings`, as the server names them. */
const templates = readFileSync(new URL("../../src/domain/notice.rs", import.meta.url), "utf8")
  .match(/enum WarningTemplate \{([^}]*)\}/)[1]
  .match(/^ {4}[A-Z]\w*/gm)
  .map((name) => name.trim().replace(/(?!^)[A-Z]/g, "_$&").toLowerCase());

test("a warning by staff is put into Korean by its template, and is the server's own sentence in English", () => {
  assert.ok(templates.includes("outside_payment"), `${templates}`);
  const warning = (template) => ({ text: "in English", data: { code: "warning", params: { template } } });
  const said = templates.map((template) => systemText(warning(template), languages.ko));
  assert.equal(new Set([...said, "in English"]).size, templates.length + 1, `${said}`);
  for (const sentence of said) assert.match(sentence, /^마켓 안내: /);
  for (const template of templates) assert.equal(systemText(warning(template), languages.en), "in English");
  assert.equal(systemText(warning("new_one"), languages.ko), "in English");
});

test("a notice from before there were codes is still understood", () => {
  assert.equal(systemText({ text: "in English", data: { type: "product_status", status: "sold" } }, languages.ko), "판매가 완료되었어요");
});

test("what the page has no words for is shown in the server's", () => {
  for (const data of [undefined, null, 7, {}, { code: "new_one" }, { code: "constructor" }, { code: 7 }, { code: "product_status" }, { code: "product_status", params: { status: "gone" } }]) {
    assert.equal(systemText({ text: "in English", data }, languages.ko), "in English", JSON.stringify(data));
  }
});

test("support has a name in the reader's language", () => {
  const desk = { id: "system", name: "Support", nameCode: "support" };
  assert.equal(named(desk, languages.ko).name, "고객센터");
  assert.equal(named(desk, languages.en).name, "Support");
});

test("a deleted user has a name in the reader's language, everybody else their own", () => {
  const gone = { id: "u", name: "Deleted user", nameCode: "deleted_user" };
  assert.equal(named(gone, languages.ko).name, "탈퇴한 사용자");
  assert.equal(named(gone, languages.en).name, "Deleted user");
  for (const user of [{ id: "u", name: "Deleted user" }, { id: "u", name: "X", nameCode: "constructor" }]) {
    assert.equal(named(user, languages.ko), user);
  }
  assert.equal(named(undefined, languages.ko), undefined);
});

test("what somebody of the staff says is said under their name, and the rest under the other member's", () => {
  const other = { id: "sam", name: "Sam" };
  const mina = { id: "mina", name: "Mina", role: "staff" };
  for (const t of Object.values(languages)) {
    assert.equal(senderOf({ senderId: "mina", sender: mina }, other, t).name, "Mina");
    for (const message of [{ senderId: "sam" }, undefined]) assert.equal(senderOf(message, other, t), other);
    assert.equal(senderOf({ senderId: "sam" }, undefined, t), undefined);
  }
  assert.equal(senderOf({ sender: { ...mina, name: "Deleted user", nameCode: "deleted_user" } }, other, languages.ko).name, "탈퇴한 사용자");
});

test("anyone who is muted is told until when, and that they may read on", () => {
  for (const t of Object.values(languages)) {
    const said = reasonText("muted", "2026-11-30T09:00:00.000Z", t);
    assert.match(said, /2026/);
    assert.notEqual(reasonText("muted", undefined, t), said);
    assert.equal(reasonText("muted", undefined, t), t.failure.muted);
    assert.notEqual(t.failure.muted, t.failure.forbidden);
    for (const code of [undefined, "", "constructor", "new_code"]) assert.equal(reasonText(code, undefined, t), undefined);
  }
});
