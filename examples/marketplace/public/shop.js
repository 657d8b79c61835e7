/* Where one is in the chat is the shop's address, so that a room can be linked to and the back button works. */
const messenger = document.querySelector("haggle-messenger");

const show = () => messenger && (messenger.room = decodeURIComponent(location.pathname.split("/")[2] ?? ""));
addEventListener("popstate", show);

document.addEventListener("haggle-navigate", (event) => {
  event.preventDefault();
  const { view, roomId } = event.detail;
  history.pushState({}, "", view === "room" ? `/chats/${encodeURIComponent(roomId)}` : "/chats");
  show();
});
