/** What carries events between this client and a server. */

/** A kind of connection: the plain WebSocket, Socket.IO, or your own. Each call starts one connection. */
export type Wire = (token: string, events: LineEvents) => Line;

/** One connection of a {@link Wire}, from its attempt to its end. */
export interface Line {
  request(event: string, data: any, answered: (answer: { data?: any; error?: any }) => void): void;
  /** Asks for no answer. */
  notify(event: string, data: any): void;
  /** Ends it. It says nothing any more. */
  close(): void;
}

/** What a {@link Line} says, never before its wire has returned it. */
export interface LineEvents {
  /** With the version of the protocol that the server chose, where the wire says it. */
  opened(protocol?: string): void;
  /** Everything that is not an answer. */
  pushed(push: { event: string; data: any }): void;
  /** It has ended with a close code of the protocol, or could not be opened: 1006 where nobody says why. */
  lost(code: number): void;
}
