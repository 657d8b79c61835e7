import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { launchBrowser, Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";
import { HostSite } from "./support/host.js";

/* The React components, in a bundle of a page's own. */

const path = (from) => fileURLToPath(new URL(from, import.meta.url));

const APP = `
  import { createElement, StrictMode, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { HaggleConversation, HaggleInbox, HaggleUnread } from "@haggle/components/react";
  import { HaggleNotifications, HaggleNotificationSettings } from "@haggle/components/react/notifications";

  function App({ server }) {
    const [room, setRoom] = useState();
    const [unread, setUnread] = useState();
    const [words, setWords] = useState({ chats: "Messages" });
    const signedIn = { server, tokenUrl: "/chat-token", strings: words };
    const go = (event) => {
      event.preventDefault();
      setRoom(event.detail.roomId);
    };
    return createElement("main", null,
      createElement("output", null, unread),
      createElement("button", { onClick: () => setWords({ chats: "Letters" }) }, "Other words"),
      createElement(HaggleUnread, { ...signedIn, onUnread: ({ detail }) => setUnread(detail.unread) }),
      createElement(HaggleNotifications, { ...signedIn, room, onNavigate: go }),
      createElement(HaggleNotificationSettings, { ...signedIn }),
      createElement(HaggleInbox, { ...signedIn, room, onNavigate: go }),
      room && createElement(HaggleConversation, { ...signedIn, room, back: true, onNavigate: go }),
    );
  }

  const root = document.getElementById("root");
  createRoot(root).render(createElement(StrictMode, null, createElement(App, { server: root.dataset.server })));
`;

let server;
let site;
let browser;

before(async () => {
  const { outputFiles } = await build({
    stdin: { contents: APP, resolveDir: path(".") },
    alias: { "@haggle/components/react/notifications": path("../../packages/components/src/react/notifications.js"), "@haggle/components/react": path("../../packages/components/src/react.js"), "@haggle/client/push": path("../../packages/client/src/push.js"), "@haggle/client": path("../../packages/client/src/index.js") },
    nodePaths: [path("node_modules")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  site = await HostSite.start({ chat: () => server.url, tokenOf: (user) => server.tokenOf(user), bundle: outputFiles[0].text });
  [server, browser] = await Promise.all([DemoServer.start({ HAGGLE_ALLOWED_ORIGIN: site.url }), launchBrowser()]);
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

test("in React, properties, attributes and events are props", async () => {
  const body = `<div id="root" data-server="${server.url}"></div><script type="module" src="/bundle.js"></script>`;
  const window = await Window.open(browser, site.page({ user: "mina", body }));
  const { page } = window;
  await page.getByRole("heading", { name: "Messages" }).waitFor();
  await page.locator("output", { hasText: /^[1-9]/ }).waitFor();
  assert.equal(await page.locator("haggle-notifications").evaluate((element) => element.room), "");
  await page.locator("haggle-notification-settings").getByRole("switch").or(page.locator("haggle-notification-settings").getByRole("checkbox")).first().waitFor();
  await page.getByRole("button", { name: "Other words" }).click();
  await page.getByRole("heading", { name: "Letters" }).waitFor();
  await page.locator(".inbox-row", { hasText: "Brass desk lamp" }).click();
  await page.locator(".history[aria-busy=false]").waitFor();
  await window.until(() => focused()?.matches("textarea"));
  await window.send("From React");
  await window.message("From React", "sent").waitFor();
  await page.locator(".back").click();
  await page.locator("haggle-conversation").waitFor({ state: "detached" });
  assert.equal(site.tokens, 1, "one session for all of them");
  await window.close();
});
