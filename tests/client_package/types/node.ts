import { HaggleClient, HaggleError, type Message } from "@haggle/client";

class WebSocket {}

export async function ask(baseUrl: string, fetchToken: () => Promise<string>, roomId: string): Promise<Message[]> {
  const client = new HaggleClient({ userId: "bot", baseUrl, fetchToken, WebSocket, fetch });
  client.connect();
  const signal = AbortSignal.timeout(5_000);
  try {
    await client.whenOpen({ signal });
    const room = client.room(roomId);
    room.enter();
    await room.whenEntered({ signal });
    await room.sendImage(new Blob([new Uint8Array(8)]), { signal });
    return room.messages;
  } catch (error) {
    if (error instanceof HaggleError) console.error(error.code, error.hint);
    throw error;
  } finally {
    client.close();
  }
}
