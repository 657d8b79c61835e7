import { products, users } from "./data.js";

/* What there was before there was a chat, for `haggle import`: users, then their products, one JSON object per line. */
for (const { id, name } of users.values()) console.log(JSON.stringify({ type: "user", id, name }));
for (const product of products.values()) console.log(JSON.stringify({ type: "product", ...product }));
