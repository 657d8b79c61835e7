// @ts-check
import { AccountDialog } from "./account_dialog.js";
import { Avatar } from "./avatar.js";
import { ConnectionBanner } from "./connection_banner.js";
import { Icon, Logo } from "./icons.js";
import { InboxPane } from "./inbox_pane.js";
import { useLanguage } from "./language.js";
import { Market } from "./market.js";
import { addressOf, go, usePlace } from "./navigation.js";
import { preferredWire, rememberWire } from "./wire_switch.js";
import { html, useChanges, useEffect, useState } from "./view.js";

/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */
/** @typedef {import("../../packages/client/types/types.d.ts").Product} Product */
/** @typedef {import("../../packages/client/src/client.js").HaggleClient} HaggleClient */
/** @typedef {import("./wire_switch.js").WireName} WireName */
/** @typedef {import("./root.js").Demo} Demo */
/** @typedef {(options: {userId: string, wire: WireName, fetchToken: () => Promise<string>}) => HaggleClient} NewClient */

/** After so long out of sight, a phone or a laptop may have slept, and its connection died unnoticed. */
const SLEEP_MS = 30_000;

/**
 * What a signed-in person sees.
 *
 * @param {{user: DemoUser, demo: Demo, newClient: NewClient, become: (user: DemoUser | undefined) => void}} props
 */
export function App({ user, demo, newClient, become }) {
  const [wire, setWire] = useState(preferredWire);

  /** @param {WireName} next */
  const chooseWire = (next) => {
    rememberWire(next);
    setWire(next);
  };

  // A client keeps its wire for life: another wire is another client, as another person is.
  return html`<${SignedIn} key=${`${wire} ${user.id}`} user=${user} demo=${demo} newClient=${newClient} become=${become} wire=${wire} chooseWire=${chooseWire} />`;
}

/**
 * @param {{user: DemoUser, demo: Demo, newClient: NewClient,
 *   become: (user: DemoUser | undefined) => void, wire: WireName, chooseWire: (wire: WireName) => void}} props
 */
function SignedIn({ user, demo, newClient, become, wire, chooseWire }) {
  const { t } = useLanguage();
  const place = usePlace();
  const [client] = useState(() => newClient({ userId: user.id, wire, fetchToken: () => demo.signIn(user.id) }));
  const [ended, setEnded] = useState(/** @type {import("../../packages/client/src/error.js").HaggleError | undefined} */ (undefined));
  const [accountOpen, setAccountOpen] = useState(false);
  // What an older server lacks is not offered.
  const [routes, setRoutes] = useState(/** @type {Set<string>} */ (new Set()));
  useChanges(client, "state");
  useChanges(client.inbox);

  useEffect(() => {
    const off = client.on("stopped", setEnded);
    client.connect();
    return () => {
      off();
      client.close();
    };
  }, [client]);

  // Half of the page, and nobody talks before having signed in: the first view does without it.
  const [talk, setTalk] = useState(/** @type {typeof import("./conversation.js") | undefined} */ (undefined));
  useEffect(() => void import("./conversation.js").then(setTalk), []);

  useEffect(() => void demo.listRoutes().then(setRoutes, () => {}), [client]);

  useEffect(() => {
    let hiddenAt = 0;
    const onVisibility = () => {
      if (document.visibilityState === "hidden") hiddenAt = Date.now();
      else if (Date.now() - hiddenAt > SLEEP_MS) client.wake();
    };
    document.addEventListener("visibilitychange", onVisibility);
    return () => document.removeEventListener("visibilitychange", onVisibility);
  }, [client]);

  const { unread } = client.inbox;
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) haggle` : "haggle";
    return () => void (document.title = "haggle");
  }, [unread]);

  /** @param {Product} product */
  const openRoom = async (product) => {
    const room = await client.rest.openRoom(product.id);
    go({ view: "room", roomId: room.id });
  };

  if (ended) {
    return html`<main class="notice-page">
      <h1>${t.sessionEnded}</h1>
      <p>${ended.code === "origin_refused" ? t.originRefused(location.origin) : t.sessionEndedHint}</p>
      <button type="button" class="button button-primary" onClick=${() => become(undefined)}>${t.signInAgain}</button>
    </main>`;
  }

  return html`<div class="app" data-view=${place.view}>
    <header class="topbar">
      <a class="brand" href=${addressOf({ view: "market" })}><${Logo} /><span>haggle</span></a>
      <nav class="tabs" aria-label="haggle">
        <a href=${addressOf({ view: "market" })} aria-current=${place.view === "market" ? "page" : undefined}>
          <${Icon} name="market" /><span>${t.market}</span>
        </a>
        <a class="tab-chats" href=${addressOf({ view: "chats" })} aria-current=${place.view === "chats" ? "page" : undefined}>
          <${Icon} name="chats" /><span>${t.chats}</span>
          ${unread > 0 && html`<span class="badge" aria-label=${t.unread(unread)}>${unread}</span>`}
        </a>
      </nav>
      <button type="button" class="account-button" aria-haspopup="dialog" aria-label=${t.signedInAs(user.name)} onClick=${() => setAccountOpen(true)}>
        <${Avatar} user=${user} size="s" /><span class="account-name">${user.name}</span><${Icon} name="swap" />
      </button>
    </header>
    <${ConnectionBanner} state=${client.state} reconnectNow=${() => client.reconnectNow()} />
    <main class="panes">
      <${InboxPane} inbox=${client.inbox} user=${user} openRoomId=${place.view === "room" ? place.roomId : undefined} rest=${client.rest} canSearch=${routes.has("/api/v1/search")} />
      ${place.view === "room" && !talk && html`<section class="pane conversation" aria-label=${t.chats}><p class="notice" role="status">${t.loading}</p></section>`}
      ${place.view === "room"
        ? talk &&
          html`<${talk.Conversation}
            key=${place.roomId}
            room=${client.room(place.roomId)}
            preview=${client.inbox.get(place.roomId)}
            state=${client.state}
            rest=${client.rest}
            seq=${place.seq}
            canSendImages=${routes.has("/api/v1/rooms/{id}/images")}
          />`
        : html`<${Market} demo=${demo} user=${user} rooms=${client.inbox.items} openRoom=${openRoom} />`}
    </main>
    ${accountOpen && html`<${AccountDialog} demo=${demo} user=${user} become=${become} rest=${client.rest} wire=${wire} chooseWire=${chooseWire} onClose=${() => setAccountOpen(false)} />`}
  </div>`;
}
