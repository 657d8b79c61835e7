// @ts-check
import { Avatar } from "../components/ui/avatar.js";
import { Icon } from "../components/ui/icons.js";
import { html, useChanges, useEffect, useState } from "../components/ui/view.js";
import { useLanguage } from "./language.js";
import { Market } from "./market.js";
import { addressOf, go, goBack, goInstead, usePlace, useTwoPanes } from "./navigation.js";
import { Logo } from "./sign_in.js";
import { preferredWire, rememberWire } from "./wire_switch.js";

/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */
/** @typedef {import("@haggle/client").Product} Product */
/** @typedef {import("@haggle/client").HaggleClient} HaggleClient */
/** @typedef {import("./wire_switch.js").WireName} WireName */
/** @typedef {import("../demo_rest.js").DemoRest} Demo */
/** @typedef {(options: {userId: string, wire: WireName, fetchToken: () => Promise<string>}) => HaggleClient} NewClient */

/** Icons that the shop alone has. */
const PATHS = {
  chats: "M4 5h16v11H10l-5 4v-4H4z",
  market: "M4 10l1.5-5h13L20 10M5 10v9h14v-9M4 10a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0 2.7 2.7 0 0 0 5.3 0M10 19v-5h4v5",
  swap: "M7 4L3.5 7.5 7 11M4 7.5h15M17 13l3.5 3.5L17 20M20 16.5H5",
};

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
 * A shop's frame around `<haggle-messenger>`, which shows the shop's products where no conversation is open.
 *
 * @param {{user: DemoUser, demo: Demo, newClient: NewClient,
 *   become: (user: DemoUser | undefined) => void, wire: WireName, chooseWire: (wire: WireName) => void}} props
 */
function SignedIn({ user, demo, newClient, become, wire, chooseWire }) {
  const { t, code } = useLanguage();
  const place = usePlace();
  const [client] = useState(() => newClient({ userId: user.id, wire, fetchToken: () => demo.signIn(user.id) }));
  const [ended, setEnded] = useState(/** @type {import("@haggle/client").HaggleError | undefined} */ (undefined));
  const [notifies, setNotifies] = useState(false);
  // Nobody waits for it.
  useEffect(() => void import("../components/notifications.js").then(() => setNotifies(true)), []);

  const [account, setAccount] = useState(/** @type {typeof import("./account_dialog.js") | undefined} */ (undefined));

  useEffect(() => {
    const off = client.on("stopped", setEnded);
    client.connect();
    return () => {
      off();
      client.close();
      document.title = "haggle";
    };
  }, [client]);

  /** @param {CustomEvent<{unread: number}>} event */
  const onUnread = ({ detail: { unread } }) => void (document.title = unread > 0 ? `(${unread}) haggle` : "haggle");

  /** @param {CustomEvent<import("@haggle/components").Place>} event */
  const onNavigate = (event) => {
    event.preventDefault();
    if (event.detail.view === "inbox") goBack();
    else go(event.detail);
  };

  // Next to the inbox there is room for a conversation: the newest, unless one asks for another.
  const twoPanes = useTwoPanes();
  useChanges(client.inbox);
  const newestId = client.inbox.items[0]?.id;
  const opensNewest = place.view === "chats" && twoPanes && (newestId !== undefined || !client.inbox.loaded);
  useEffect(() => {
    if (opensNewest && newestId !== undefined) goInstead({ view: "room", roomId: newestId });
  }, [opensNewest, newestId]);

  // Read when it is opened for the first time.
  const openAccount = async () => setAccount(await import("./account_dialog.js"));

  /** @param {Product} product */
  const openRoom = async (product) => {
    const room = await client.rest.openRoom(product.id);
    go({ view: "room", roomId: room.id });
  };

  if (ended) {
    return html`<main class="notice-page" tabindex="-1">
      <h1>${t.sessionEnded}</h1>
      <p>${ended.code === "origin_refused" ? t.originRefused(location.origin) : ended.code === "banned" ? t.bannedUntil(ended.until) : t.sessionEndedHint}</p>
      <button type="button" class="button button-primary" onClick=${() => become(undefined)}>${ended.code === "banned" ? t.signInElse : t.signInAgain}</button>
    </main>`;
  }

  const seller = user.role === "seller";
  return html`<div class="app" data-view=${place.view}>
    <header class="topbar">
      <a class="brand" href=${addressOf({ view: "market" })}><${Logo} /><span>haggle</span></a>
      <nav class="tabs" aria-label="haggle">
        <a href=${addressOf({ view: "market" })} aria-current=${place.view === "market" ? "page" : undefined}>
          <${Icon} path=${PATHS.market} /><span>${t.market}</span>
        </a>
        <a class="tab-chats" href=${addressOf({ view: "chats" })} aria-current=${place.view === "chats" ? "page" : undefined}>
          <${Icon} path=${PATHS.chats} /><span>${t.chats}</span>
          <haggle-unread lang=${code} client=${client} onhaggle-unread=${onUnread}></haggle-unread>
        </a>
      </nav>
      <button type="button" class="account-button" aria-haspopup="dialog" aria-label=${t.signedInAs(user.name)} onClick=${openAccount}>
        <${Avatar} user=${user} size="s" /><span class="account-name">${user.name}</span><${Icon} path=${PATHS.swap} />
      </button>
    </header>
    <main tabindex="-1">
      <haggle-messenger
        lang=${code}
        client=${client}
        hrefFor=${addressOf}
        room=${place.view === "room" ? place.roomId : ""}
        seq=${place.view === "room" ? place.seq : undefined}
        narrow=${place.view === "market" ? "content" : "inbox"}
        autofocus
        onhaggle-navigate=${onNavigate}
      >
        ${!opensNewest && html`<${Market} demo=${demo} user=${user} inbox=${client.inbox} openRoom=${openRoom} />`}
        <div slot="empty" class="no-chats">
          <p>${seller ? t.noChatsHintSeller : t.noChatsHint}</p>
          ${!seller && html`<a class="button" href=${addressOf({ view: "market" })}>${t.browse}</a>`}
        </div>
      </haggle-messenger>
    </main>
    ${notifies && html`<haggle-notifications lang=${code} client=${client} worker="/push_worker.js" room=${place.view === "room" ? place.roomId : ""} onhaggle-navigate=${onNavigate}></haggle-notifications>`}
    ${account && html`<${account.AccountDialog} demo=${demo} user=${user} become=${become} client=${client} wire=${wire} chooseWire=${chooseWire} onClose=${() => setAccount(undefined)} />`}
  </div>`;
}
