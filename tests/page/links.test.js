/* What in a message leads somewhere, and what must not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { leadsAway, partsOf } from "../../packages/components/src/ui/links.js";

/** The links of a text, as `shown → address`; what is shown is the text itself, whatever was found in it. */
function linksOf(text) {
  const parts = partsOf(text);
  assert.equal(parts.map((part) => part.text).join(""), text);
  return parts.filter(({ href }) => href).map(({ text, href }) => (text === href ? text : `${text} → ${href}`));
}

const cases = [
  ["see https://shop.example/a?b=1#c now", "https://shop.example/a?b=1#c"],
  ["HTTP://SHOP.EXAMPLE/A", "HTTP://SHOP.EXAMPLE/A → http://shop.example/A"],
  ["(https://shop.example/a).", "https://shop.example/a"],
  ["https://en.wikipedia.example/wiki/Lamp_(light).", "https://en.wikipedia.example/wiki/Lamp_(light)"],
  ["is it https://shop.example/a?! yes", "https://shop.example/a"],
  ["«https://shop.example/a…»", "https://shop.example/a"],
  // Korean goes on without a space.
  ["https://shop.example/items/3입니다", "https://shop.example/items/3"],
  ["https://shop.example/로 오세요", "https://shop.example/"],
  ["https://shop.example에서 봤어요", "https://shop.example → https://shop.example/"],
  ["https://ko.wikipedia.example/wiki/서울", "https://ko.wikipedia.example/wiki/서울 → https://ko.wikipedia.example/wiki/%EC%84%9C%EC%9A%B8"],
  ["주소는 https://한국.example/a 입니다", "https://한국.example/a → https://xn--3e0b707e.example/a"],
  // Mail and telephones.
  ["mina.kim+shop@mail.example.com, please", "mina.kim+shop@mail.example.com → mailto:mina.kim+shop@mail.example.com"],
  ["메일은 mina@example.com으로", "mina@example.com → mailto:mina@example.com"],
  ["010-1234-5678로 연락 주세요", "010-1234-5678 → tel:01012345678"],
  ["02 123 4567", "02 123 4567 → tel:021234567"],
  ["+82 10-1234-5678", "+82 10-1234-5678 → tel:+821012345678"],
  ["call (415) 555-0132.", "(415) 555-0132 → tel:4155550132"],
  ["1588-1234", "1588-1234 → tel:15881234"],
  ["0151 23456789", "0151 23456789 → tel:015123456789"],
];

test("addresses, mail and telephones are found, without what only stands next to them", () => {
  for (const [text, expected] of cases) assert.deepEqual(linksOf(text), [expected], text);
});

test("what is no address, or hides where it leads, stays text", () => {
  for (const text of [
    "javascript:alert(1)",
    "javascript://https.example/%0Aalert(1)",
    "data:text/html,<b>x</b>",
    "vbscript:x file:///etc/passwd blob:https",
    "xhttps://shop.example",
    "https://",
    "http://localhost/a",
    "https://paypal.example@evil.example/",
    "https://paypal.example:secret@evil.example/",
    "a@b, x@y, @mina.example",
    "₩1,200,000 or $129.00",
    "2026-11-28, 28.11.2026, 01-02-2026, 12:30",
    "X100V 1234567890123 #0101234567",
    "1,010,1234,5678",
  ]) {
    assert.deepEqual(linksOf(text), [], text);
  }
});

test("where something was masked, nothing is linked", () => {
  assert.deepEqual(linksOf("●●●-●●●●-●●●● ●●●●@●●●●.●●● https://●●.●●/●● https://t.example/●● 010-1234-●●●● a@b.example●"), []);
  assert.deepEqual(linksOf("● as a bullet: https://shop.example/a"), ["https://shop.example/a"]);
});

test("a host that looks like another one is said as it is", () => {
  const titles = (text) => partsOf(text).filter(({ href }) => href).map(({ title }) => title);
  assert.deepEqual(titles("https://pаypal.example/ https://paypal.example/"), ["xn--pypal-4ve.example", undefined]);
  assert.deepEqual(titles("https://SHOP.example:8443/"), [undefined]);
  // Characters that turn text around end an address.
  assert.deepEqual(linksOf("https://shop.example/\u202Egpj.exe"), ["https://shop.example/"]);
});

test("a link to another site is told from one to this page's own, and from none", () => {
  assert.equal(leadsAway("pay at https://evil.example/pay", "shop.example"), true);
  assert.equal(leadsAway("see https://shop.example/items/3", "shop.example"), false);
  assert.equal(leadsAway("010-1234-5678, javascript:alert(1)", "shop.example"), false);
});

test("16 KB of the worst cost no more than a moment", () => {
  const long = 16_384;
  for (const piece of ["a", "a.", "a@", "a@a.", "@", "1", "1 ", "+1", "0", "(", ")", "https://", "https://a.example/)", "https://a/가", "x@1.", "010-", "+1(1)", "-", "가a", "/가"]) {
    for (const text of [piece.repeat(long / piece.length), `https://a.example/${piece.repeat(long / piece.length)}`, `a@${piece.repeat(long / piece.length)}`]) {
      // Of this process alone: the machine may be busy with something else.
      const before = process.cpuUsage();
      linksOf(text);
      const { user, system } = process.cpuUsage(before);
      const ms = (user + system) / 1000;
      assert.ok(ms < 250, `${ms} ms for ${text.slice(0, 40)}…`);
    }
  }
});
