import { once } from "node:events";
import { createServer } from "node:http";

/** A page's own style, as bad as they come: it turns every rule around, and says so in a loud voice. */
const HOSTILE = `
  * { all: revert !important; letter-spacing: 4px !important; text-transform: uppercase !important }
  *, *::before, *::after { box-sizing: content-box !important; font-family: cursive !important; color: rgb(255, 0, 0) !important }
  button, input, textarea, a, li { background: yellow !important; border: 5px dashed red !important; border-radius: 0 !important; padding: 20px !important; float: left !important }
  ul { list-style: square !important; margin: 40px !important } img { display: none !important } dialog, [popover] { display: none !important }
  .bubble, .inbox-row, .pane, .composer, .badge, .frame { display: none !important; position: fixed !important }
`;

/**
 * A marketplace's site on an origin of its own, under a policy that allows the chat server's scripts and nothing inline. A cookie
 * names the user who is signed in there.
 */
export class HostSite {
  #server;
  url;
  /** How often a token was asked for. */
  tokens = 0;

  /**
   * @param {{chat: () => string, tokenOf: (user: string) => Promise<string>, bundle?: string}} options
   *   `chat` is known once that server runs; `bundle` is a script of the page's own, at `/bundle.js`
   */
  static async start({ chat, tokenOf, bundle }) {
    const site = new HostSite();
    site.#server = createServer(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url, "http://host");
      const send = (type, body, headers = {}) => response.writeHead(200, { "content-type": type, ...headers }).end(body);
      if (pathname === "/chat-token") {
        site.tokens += 1;
        const [, user] = request.headers.cookie?.match(/user=(\w+)/) ?? [];
        return user ? send("application/json", JSON.stringify({ token: await tokenOf(user) })) : response.writeHead(401).end();
      }
      if (pathname === "/hostile.css") return send("text/css", HOSTILE);
      if (pathname === "/own.css") return send("text/css", "body { margin: 0 } haggle-messenger, haggle-inbox, haggle-conversation, iframe { height: 600px } iframe { width: 100%; border: 0 } [hidden] { display: none }");
      if (pathname === "/own.js") return send("text/javascript", searchParams.get("code") ?? "");
      if (pathname === "/bundle.js" && bundle) return send("text/javascript", bundle);
      if (pathname !== "/") return response.writeHead(404).end();
      const server = chat();
      const live = server.replace(/^http/, "ws");
      const policy = `default-src 'none'; script-src 'self' ${server}; style-src 'self'; connect-src 'self' ${server} ${live}; img-src data: 'self' blob: ${server}; frame-src ${server}; base-uri 'none'; form-action 'none'; trusted-types 'none'; require-trusted-types-for 'script'`;
      const body = searchParams.get("body") ?? `<haggle-messenger server="${server}" token-url="/chat-token"></haggle-messenger>`;
      const style = searchParams.has("hostile") ? "/hostile.css" : "/own.css";
      send(
        "text/html",
        `<!doctype html><html lang="${searchParams.get("lang") ?? "en"}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title>
        <link rel="stylesheet" href="${style}"><link rel="icon" href="data:,">
        ${bundle ? "" : `<script type="module" src="${server}/embed/haggle.js"></script>`}
        <body><h1 id="own">A shop</h1><p><button id="own-button">Buy</button></p>${body}</body></html>`,
        { "content-security-policy": policy, "set-cookie": searchParams.has("user") ? [`user=${searchParams.get("user")}`] : [] },
      );
    });
    site.#server.listen(0, "127.0.0.1");
    await once(site.#server, "listening");
    site.url = `http://127.0.0.1:${site.#server.address().port}`;
    return site;
  }

  /** The address of its page for somebody who is signed in. @param {Record<string, string>} options */
  page(options) {
    return `${this.url}/?${new URLSearchParams(options)}`;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
