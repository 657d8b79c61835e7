import { createHmac } from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Seconds since 1970, as a token writes times. */
export const now = () => Math.floor(Date.now() / 1000);

/**
 * A JWT, HS256.
 *
 * @param {string} secret
 * @param {object} claims `exp` is in an hour unless given
 */
export function signToken(secret, claims) {
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ iat: now() - 60, exp: now() + 3600, ...claims })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
