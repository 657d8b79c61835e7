const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A page's markup: what is put into it is text, unless it is markup that this function has made. */
export function html(strings, ...values) {
  const texts = values.flat().map((value) => (value?.markup !== undefined ? value.markup : String(value ?? "").replace(/[&<>"]/g, (sign) => ESCAPES[sign])));
  const counts = values.map((value) => (Array.isArray(value) ? value.length : 1));
  let next = 0;
  return { markup: strings.reduce((text, string, index) => text + texts.slice(next, (next += counts[index - 1])).join("") + string) };
}

/** The shop's frame. The script of the components comes from the chat server, and nothing is inline. */
export const page = ({ chat, user, body }) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Second spring</title>
    <link rel="icon" href="/shop.svg">
    <link rel="stylesheet" href="/shop.css">
    <script type="module" src="${chat}/embed/haggle.js"></script>
    <script type="module" src="/shop.js"></script>
  </head>
  <body>
    <header>
      <a href="/">Second spring</a>
      ${user && html`<a href="/chats">Chats <haggle-unread server="${chat}" token-url="/chat-token"></haggle-unread></a>`}
      ${user && html`<form method="post" action="/sign-out"><button>Sign out, ${user.name}</button></form>`}
    </header>
    <main>${body}</main>
  </body>
</html>`.markup;

export const signIn = (failed) => html`<form method="post" action="/sign-in">
  ${failed && html`<p role="alert">That is nobody we know.</p>`}
  <label>Name <input name="id" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>`;

export const list = (products, user) => html`<h1>For sale</h1><ul>${[...products.values()].map(
  ({ id, sellerId, title, price, currency, status }) => html`<li>
    <strong>${title}</strong> ${(price / 100).toLocaleString("en", { style: "currency", currency })} <em>${status.replace("_", " ")}</em>
    ${sellerId !== user.id && html`<form method="post" action="/products/${id}/chat"><button>Chat with seller</button></form>`}
  </li>`,
)}</ul>`;

export const messenger = (chat, room) => html`<haggle-messenger server="${chat}" token-url="/chat-token" room="${room}" autofocus></haggle-messenger>`;
