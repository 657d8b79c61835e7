import { HaggleError, HaggleMessenger, loadLanguage, registerLanguage, type HaggleEvents, type HaggleUnread, type Place, type Words } from "@haggle/components";
import { HaggleConversation, HaggleInbox, HaggleMessenger as Messenger, HaggleSettings, HaggleUnread as Unread } from "@haggle/components/react";
import { HaggleNotifications } from "@haggle/components/notifications";
import { HaggleNotificationSettings, HaggleNotifications as Notifications } from "@haggle/components/react/notifications";
import { en } from "@haggle/components/languages/en";

const french: Words = { chats: "Messages", offer: { accept: "Accepter" }, unread: (count: number) => `${count} non lus` };
registerLanguage("fr", french);
await loadLanguage("ko");
console.log(en.chats);

const messenger: HaggleMessenger = document.createElement("haggle-messenger");
messenger.server = "https://chat.example";
messenger.fetchToken = async ({ signal } = {}) => (await fetch("/chat-token", { signal })).text();
messenger.hrefFor = (place: Place) => (place.view === "room" ? `/chats/${place.roomId}` : "/chats");
messenger.strings = french;
// As the README prints them.
messenger.hrefFor = ({ view, roomId }) => (view === "room" ? `/chats/${roomId}` : "/chats");
document.addEventListener("haggle-navigate", (event) => {
  event.preventDefault();
  const { roomId, seq } = event.detail;
  messenger.room = roomId ?? "";
  messenger.seq = seq ?? 0;
});
addEventListener("haggle-unread", ({ detail }) => void (document.title = `(${detail.unread})`));
messenger.addEventListener("haggle-navigate", (event) => {
  event.preventDefault();
  messenger.room = event.detail.view === "room" ? event.detail.roomId : "";
});
messenger.addEventListener("haggle-stopped", ({ detail }) => console.log(detail instanceof HaggleError, detail.code));
const badge: HaggleUnread = document.createElement("haggle-unread");
badge.addEventListener("haggle-unread", ({ detail: { unread } }: HaggleEvents["haggle-unread"]) => (document.title = String(unread)));
const notifications: HaggleNotifications = document.createElement("haggle-notifications");
notifications.room = messenger.room;
notifications.addEventListener("haggle-navigate", ({ detail }: HaggleEvents["haggle-navigate"]) => console.log(detail.view));

export const page = (room: string, go: (place: Place) => void) => (
  <>
    <Unread server="https://chat.example" tokenUrl="/chat-token" onUnread={({ detail }) => console.log(detail.unread)} />
    <Messenger server="https://chat.example" tokenUrl="/chat-token" room={room} theme="dark" narrow="content" onNavigate={(event) => go(event.detail)} className="chat" />
    <HaggleInbox client={undefined} room={room} strings={french} />
    <HaggleConversation room={room} seq={3} back />
    <HaggleSettings lang="ko" />
    <Notifications room={room} tokenUrl="/chat-token" onNavigate={(event) => go(event.detail)} />
    <HaggleNotificationSettings />
  </>
);

// @ts-expect-error: there is no such theme
export const wrong = <Messenger theme="blue" />;
// @ts-expect-error: a place has a view
messenger.hrefFor = (place: { nowhere: string }) => place.nowhere;
