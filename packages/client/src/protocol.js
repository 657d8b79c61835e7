// @ts-check

/** The version of this package. */
export const VERSION = "0.1.0";

/** The versions of the protocol that this client speaks, the best one first. The server chooses one of them. */
export const PROTOCOLS = ["haggle.v1"];

/** What every server of `haggle.v1` offers, for those without `GET /api/v1/features`. */
export const FEATURES_OF_V1 = ["offers", "images", "search", "blocks", "reports", "settings", "room-tokens"];
