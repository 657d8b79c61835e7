// @ts-check

/*
 * Shows what haggle pushes. A service worker belongs to the page's own origin, so a page serves a file of one line:
 *
 *   importScripts("https://chat.example.com/embed/haggle-push.js");
 *
 * A line before it says where a conversation is, unless a click is to open the page at the worker's scope:
 *
 *   self.HAGGLE_ROOM_URL = "/messages/{roomId}";
 */

(() => {
  /** A `ServiceWorkerGlobalScope`, whose types can't be had together with those of a page. @type {any} */
  const worker = self;

  /** How long a page may take to say what it shows. */
  const ANSWER_MS = 500;

  /** @typedef {{unread: (count: number) => string, image: string, offer: (price: string) => string, status: Record<string, string>}} Words */

  /** @type {Record<string, Words>} */
  const WORDS = {
    en: {
      unread: (count) => (count === 1 ? "A new message" : `${count} new messages`),
      image: "Sent a picture",
      offer: (price) => `Offers ${price}`,
      status: { on_sale: "On sale again", reserved: "Now reserved", sold: "Sold" },
    },
    ko: {
      unread: (count) => `새 메시지 ${count}개`,
      image: "사진을 보냈어요",
      offer: (price) => `${price} 제안이 왔어요`,
      status: { on_sale: "다시 판매 중이에요", reserved: "예약됐어요", sold: "판매됐어요" },
    },
    de: {
      unread: (count) => (count === 1 ? "Eine neue Nachricht" : `${count} neue Nachrichten`),
      image: "Hat ein Bild geschickt",
      offer: (price) => `Bietet ${price}`,
      status: { on_sale: "Wieder im Verkauf", reserved: "Jetzt reserviert", sold: "Verkauft" },
    },
  };

  /**
   * @typedef {object} Pushed
   * @property {string} event
   * @property {string} roomId
   * @property {string} [productTitle] of a room that is about one
   * @property {string} [senderName]
   * @property {string} code
   * @property {{amount?: number, currency?: string, minorDigits?: number, status?: string}} [params]
   * @property {string} [text]
   * @property {string} [sentAt]
   * @property {number} unread
   * @property {{rooms: number, messages: number}} unreadTotal
   * @property {string} [language]
   */

  /** @param {Pushed} pushed @param {string} language */
  function describe({ code, params = {}, text, unread }, language) {
    const words = WORDS[language.split("-")[0].toLowerCase()] ?? WORDS.en;
    const { amount, currency, minorDigits, status } = params;
    if (code === "image") return text || words.image;
    if (code === "offer" && status === "pending" && amount !== undefined && currency) {
      return words.offer(price(amount, currency, minorDigits ?? 0, language));
    }
    if (code === "product_status" && status) return words.status[status] ?? text ?? words.unread(unread);
    return text || words.unread(unread);
  }

  /** @param {number} amount @param {string} currency @param {number} digits @param {string} language */
  function price(amount, currency, digits, language) {
    const options = /** @type {const} */ ({ style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits });
    return new Intl.NumberFormat(language, options).format(amount / 10 ** digits);
  }

  /** @param {{json(): any} | null} data @returns {Pushed | undefined} */
  function read(data) {
    try {
      return data?.json();
    } catch {
      return undefined;
    }
  }

  /** @param {{data: {json(): any} | null}} event */
  async function show({ data }) {
    const pushed = read(data);
    // The page's own worker may have other pushes.
    if (pushed?.event !== "unread" || !pushed.roomId) return;
    const { roomId, productTitle, senderName, sentAt, unreadTotal } = pushed;
    const total = Math.max(unreadTotal.rooms, unreadTotal.messages);
    const badge = worker.navigator.setAppBadge?.(total)?.catch(() => {});
    if (await isVisible(roomId)) return badge;
    const language = pushed.language ?? worker.navigator.language;
    const body = describe(pushed, language);
    const options = {
      body,
      // The same as of a page that is open: a room has one, which its newest message replaces.
      tag: `haggle/${roomId}`,
      renotify: true,
      lang: language,
      timestamp: sentAt ? Date.parse(sentAt) : undefined,
      data: { haggle: roomId },
    };
    await worker.registration.showNotification(/** @type {string} */ (senderName ?? productTitle), options);
    await badge;
  }

  /** @returns {Promise<any[]>} */
  function windows() {
    return worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  }

  /** Whether somebody has the conversation before their eyes. @param {string} roomId */
  async function isVisible(roomId) {
    const visible = (await windows()).filter(({ visibilityState }) => visibilityState === "visible");
    const answers = visible.map(
      (window) =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => resolve(data === true);
          setTimeout(() => resolve(false), ANSWER_MS);
          window.postMessage({ haggle: "isVisible", roomId }, [port2]);
        }),
    );
    return (await Promise.all(answers)).includes(true);
  }

  /** @param {string} roomId */
  async function open(roomId) {
    const [window] = await windows();
    if (!window) {
      const address = (worker.HAGGLE_ROOM_URL ?? worker.registration.scope).replace("{roomId}", encodeURIComponent(roomId));
      return worker.clients.openWindow(new URL(address, worker.registration.scope).href);
    }
    // A browser may refuse to bring it to the front; it goes there all the same.
    await window.focus().catch(() => {});
    window.postMessage({ haggle: "open", roomId });
  }

  worker.addEventListener("push", (/** @type {any} */ event) => event.waitUntil(show(event)));

  worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
    const roomId = event.notification.data?.haggle;
    if (typeof roomId !== "string") return;
    event.notification.close();
    event.waitUntil(open(roomId));
  });
})();
