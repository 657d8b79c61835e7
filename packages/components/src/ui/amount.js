// @ts-check
import { decimal } from "./money.js";

/*
 * Amounts that somebody types: to text and back, and the prices to choose from. Like `money.js` in whole numbers of the minor unit.
 */

/**
 * An amount as one would type it: without decimals that are nothing, except where three decimals could be taken for thousands.
 *
 * @param {number | undefined} amount in the minor unit
 * @param {number} digits of the minor unit
 */
export function amountText(amount, digits) {
  if (amount === undefined || amount === null) return "";
  const [whole, fraction = ""] = decimal(amount, digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === "" || (digits < 3 && /^0+$/.test(fraction)) ? grouped : `${grouped}.${fraction}`;
}

/**
 * Reads what people type: `1,200`, `1.200,50`, `₩ 98,000`, `１２０`.
 *
 * @param {string} text
 * @param {number} digits of the minor unit
 * @returns {number | undefined} in the minor unit; `undefined` for what is no amount of that currency
 */
export function parseAmount(text, digits) {
  const plain = text.normalize("NFKC").replace(/[\s'’\p{Sc}원]/gu, "");
  const separators = plain.match(/[.,]/g) ?? [];
  const last = separators.at(-1);
  const [whole, fraction] = splitDecimals(plain, last, separators, digits);
  if (!/^(\d+|\d{1,3}([.,])\d{3}(\2\d{3})*)$/.test(whole) || (fraction !== "" && last && whole.includes(last))) return undefined;
  const amount = Number(whole.replace(/[.,]/g, "") + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) && amount > 0 ? amount : undefined;
}

/**
 * What stands before and after the sign for decimals, if there is one. In `1,200` the comma is one for thousands, whatever the
 * currency, as in both of the page's languages.
 *
 * @param {string} plain
 * @param {string | undefined} last
 * @param {string[]} separators
 * @param {number} digits
 */
function splitDecimals(plain, last, separators, digits) {
  const place = last ? plain.lastIndexOf(last) : -1;
  const length = plain.length - place - 1;
  const isThousands = last === "," && length === 3 && separators.length === 1;
  const isDecimal = last && length > 0 && length <= digits && separators.filter((one) => one === last).length === 1 && !isThousands;
  return isDecimal ? [plain.slice(0, place), plain.slice(place + 1)] : [plain, ""];
}

/** Ways down from the asking price that save some typing, in percent of it. */
const PERCENTS = [95, 90, 85];

/** Ways between the buyer's offer and the asking price, in percent of the difference. */
const MEETING_PERCENTS = [75, 50, 25];

/**
 * Prices to choose from: each once, none above the asking price, and none that the answered offer makes pointless: a seller
 * goes above the buyer's, and a buyer below the seller's.
 *
 * @param {number} price what is asked, in the minor unit
 * @param {{answered?: number, seller: boolean}} offer `answered`: the other member's offer, if this answers one
 * @returns {number[]} in the minor unit
 */
export function suggestedPrices(price, { answered, seller }) {
  const meets = seller && answered !== undefined;
  const bottom = meets ? answered : 0;
  const top = seller || answered === undefined ? price : Math.min(price, answered);
  const percents = meets ? MEETING_PERCENTS : PERCENTS;
  const distance = ((top - bottom) / 100) * (percents[0] - percents[1]);
  const step = stepOf(distance);
  const between = percents.map((percent) => Math.floor((bottom + ((top - bottom) / 100) * percent) / step) * step);
  return [...new Set([price, ...between])].filter((choice) => choice > bottom && choice <= top && choice !== answered);
}

/**
 * The largest power of ten that is no larger than the distance of two choices: rounded to it, they stay apart.
 *
 * @param {number} distance
 */
function stepOf(distance) {
  let step = 1;
  while (step * 10 <= distance) step *= 10;
  return step;
}

/**
 * What the field for an amount begins with: never above the asking price, and the seller's never below the offer that they
 * answer.
 *
 * @param {number | undefined} price
 * @param {{answered?: number, seller: boolean}} offer
 * @returns {number | undefined}
 */
export function firstPrice(price, { answered, seller }) {
  if (price === undefined || answered === undefined) return price ?? answered;
  return seller ? Math.max(price, answered) : Math.min(price, answered);
}
