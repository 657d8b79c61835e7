// @ts-check

/*
 * Money: whole numbers in a currency's minor unit, and their text. How many digits a minor unit has is the server's to say
 * (ISO 4217). A browser's own digits are those that people usually write: 0 for RSD, whose minor unit has 2. Nothing here
 * counts in fractions: the largest amounts are beyond what they are exact for.
 */

/** @type {Map<string, number>} */
const exponents = new Map();

/**
 * Takes the server's list of currencies, before anything is shown.
 *
 * @param {{code: string, exponent: number}[]} currencies
 */
export function learnCurrencies(currencies) {
  for (const { code, exponent } of currencies) exponents.set(code, exponent);
}

/**
 * How many digits a currency's minor unit has: 2 for USD, 0 for KRW. `undefined` for what the server does not know.
 *
 * @param {string} currency
 */
export const exponentOf = (currency) => exponents.get(currency);

/**
 * An amount as a decimal number, exactly: 12900 with 2 digits is `129.00`.
 *
 * @param {number} amount in the minor unit
 * @param {number} digits of the minor unit
 */
export function decimal(amount, digits) {
  const text = String(amount).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * An amount with its currency, as a language writes it: 12900 USD is $129.00, 980000 KRW is ₩980,000.
 *
 * @param {number | undefined} amount in the minor unit
 * @param {string | undefined} currency
 * @param {string} language
 */
export function priceText(amount, currency, language) {
  if (amount == null || !currency) return "";
  const digits = exponentOf(currency);
  // A price from before the server had a table of currencies, in what is none.
  if (digits === undefined) return `${amount.toLocaleString(language)} ${currency}`;
  const money = new Intl.NumberFormat(language, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // A string, since 90071992547409.91 is no number of JavaScript's.
  return money.format(/** @type {any} */ (decimal(amount, digits)));
}
