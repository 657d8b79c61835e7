/** What the shop has in its own database: a Map each, here. */
export const users = new Map([
  { id: "alice", name: "Alice", password: "wonderland" },
  { id: "sam", name: "Sam", password: "gamgee" },
].map((user) => [user.id, user]));

export const products = new Map([
  { id: "bike", sellerId: "sam", title: "A red bike", price: 12900, currency: "USD", status: "on_sale" },
  { id: "lamp", sellerId: "alice", title: "A brass lamp", price: 4500, currency: "USD", status: "on_sale" },
].map((product) => [product.id, product]));
