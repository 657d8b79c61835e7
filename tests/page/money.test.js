/* Money on the page, for every currency of ISO 4217, from the table that the server has. */
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { amountText, firstPrice, parseAmount, suggestedPrices } from "../../packages/components/src/ui/amount.js";
import { exponentOf, learnCurrencies, priceText } from "../../packages/components/src/ui/money.js";

const MAX = Number.MAX_SAFE_INTEGER;

const table = await readFile(new URL("../../src/domain/currency.rs", import.meta.url), "utf8");
const currencies = [...table.matchAll(/^ {4}\("([A-Z]{3})", (\d)\),$/gm)].map(([, code, exponent]) => ({ code, exponent: Number(exponent) }));
learnCurrencies(currencies);

/** Amounts of every size, around the places where something changes. */
const amounts = [...new Set([1, 2, 3, 5, 7, 9, 10, 11, 19, 20, 21, 99, 100, 101, 999, 1000, 1001, 1234, 2500, 12345, 250000, 980000, 1234567, 10 ** 9, 10 ** 12 + 1, 10 ** 15, MAX - 1, MAX])];

/** What somebody reads who takes off everything but digits and the sign for decimals. */
const digitsOf = (text) => text.normalize("NFKC").replace(/[^\d.]/gu, "").replace(/^\.+|\.+$/g, "");

test("every currency is shown with the digits of its minor unit, whatever the browser's own are", () => {
  assert.ok(currencies.length > 150);
  for (const { code, exponent } of currencies) {
    assert.equal(exponentOf(code), exponent);
    for (const language of ["en", "ko"]) {
      for (const amount of amounts) {
        const whole = String(amount).padStart(exponent + 1, "0");
        const expected = exponent === 0 ? whole : `${whole.slice(0, -exponent)}.${whole.slice(-exponent)}`;
        assert.equal(digitsOf(priceText(amount, code, language)), expected, `${amount} ${code}`);
      }
    }
  }
  assert.match(priceText(250000, "RSD", "en"), /2,500\.00/);
  assert.equal(priceText(12900, "USD", "en"), "$129.00");
  assert.equal(priceText(980000, "KRW", "ko"), "₩980,000");
  assert.equal(priceText(undefined, "KRW", "ko"), "");
  assert.equal(priceText(5, undefined, "ko"), "");
  assert.equal(priceText(98000, "WON", "en"), "98,000 WON");
});

test("what is shown in the field is what is sent", () => {
  for (const { code, exponent } of currencies) {
    for (const amount of amounts) assert.equal(parseAmount(amountText(amount, exponent), exponent), amount, `${amount} ${code}`);
    // Typed without decimals.
    assert.equal(parseAmount("2500", exponent), 2500 * 10 ** exponent, code);
    assert.equal(parseAmount("2,500", exponent), 2500 * 10 ** exponent, code);
  }
});

test("amounts are read as people write them", () => {
  for (const [text, digits, amount] of [
    ["1,200", 0, 1200],
    ["1.200,50", 2, 120050],
    ["1,200.5", 2, 120050],
    ["₩ 98,000", 0, 98000],
    ["98,000원", 0, 98000],
    ["１２０", 0, 120],
    ["1.250", 3, 1250],
    ["1,250", 3, 1250000],
    ["1,250.500", 3, 1250500],
    ["1.250,500", 3, 1250500],
    ["1.2345", 4, 12345],
    ["90071992547409.91", 2, MAX],
  ]) {
    assert.equal(parseAmount(text, digits), amount, text);
  }
  for (const [text, digits] of [["", 2], ["0", 2], ["-1", 2], ["1.5", 0], ["1,2,3", 2], ["abc", 2], ["1.2.3", 2], ["90071992547409.92", 2], ["1e3", 2], ["1.", 2]]) {
    assert.equal(parseAmount(text, digits), undefined, text);
  }
});

test("suggested prices are each there once, and none is above the asking price or below 1", () => {
  for (const price of amounts) {
    for (const terms of [{ seller: false }, { seller: true }]) {
      const choices = suggestedPrices(price, terms);
      assert.equal(choices[0], price);
      assert.equal(new Set(choices).size, choices.length);
      assert.ok(choices.every((choice) => Number.isSafeInteger(choice) && choice >= 1 && choice <= price), `${price}: ${choices}`);
      assert.ok(price < 20 || choices.length === 4, `${price}: ${choices}`);
    }
  }
  assert.deepEqual(suggestedPrices(980000, { seller: false }), [980000, 930000, 880000, 830000]);
});

test("a seller's counter-offer is above the buyer's offer, and a buyer's below the seller's", () => {
  for (const price of amounts) {
    for (const answered of amounts) {
      const bySeller = suggestedPrices(price, { answered, seller: true });
      assert.ok(bySeller.every((choice) => choice > answered && choice <= price), `${price}, ${answered}: ${bySeller}`);
      const byBuyer = suggestedPrices(price, { answered, seller: false });
      assert.ok(byBuyer.every((choice) => choice >= 1 && choice < answered && choice <= price), `${price}, ${answered}: ${byBuyer}`);
      for (const choices of [bySeller, byBuyer]) assert.equal(new Set(choices).size, choices.length);
      assert.equal(bySeller.length > 0, price > answered);
      assert.ok(firstPrice(price, { answered, seller: true }) >= answered);
      assert.ok(firstPrice(price, { answered, seller: false }) <= price);
    }
  }
  assert.deepEqual(suggestedPrices(100000, { answered: 80000, seller: true }), [100000, 95000, 90000, 85000]);
  assert.equal(firstPrice(undefined, { answered: 5, seller: true }), 5);
  assert.equal(firstPrice(7, { seller: true }), 7);
  assert.equal(firstPrice(undefined, { seller: false }), undefined);
});

test("no other module of the page asks the browser for a currency's digits", async () => {
  const root = new URL("../../", import.meta.url);
  for (const folder of ["static/", "static/ui/", "packages/client/src/", "packages/components/src/", "packages/components/src/ui/", "packages/components/src/elements/"]) {
    for (const name of await readdir(new URL(folder, root))) {
      if (!name.endsWith(".js") || name === "money.js") continue;
      const source = await readFile(new URL(folder + name, root), "utf8");
      assert.doesNotMatch(source, /style:\s*"currency"|maximumFractionDigits/, folder + name);
    }
  }
});
