// @ts-check

/*
 * What the page and `service_worker.js` say to each other.
 */

/**
 * Answers the page's service worker: whether a conversation can be seen here, and that it is to be opened.
 *
 * @param {{openRoomId: () => string, open: (roomId: string) => void}} page
 * @returns {() => void} ends it
 */
export function answerWorker({ openRoomId, open }) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return () => {};
  /** @param {MessageEvent} event */
  const onMessage = ({ data, ports }) => {
    if (data?.haggle === "isVisible") ports[0]?.postMessage(document.visibilityState === "visible" && openRoomId() === data.roomId);
    if (data?.haggle === "open") open(data.roomId);
  };
  serviceWorker.addEventListener("message", onMessage);
  serviceWorker.startMessages();
  return () => serviceWorker.removeEventListener("message", onMessage);
}
