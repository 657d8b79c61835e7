// @ts-check

/* The demo's service worker: haggle's own, and where the demo has a conversation. */
Object.assign(self, { HAGGLE_ROOM_URL: "/#/rooms/{roomId}" });
/** @type {any} */ (self).importScripts("/embed/haggle-push.js");
