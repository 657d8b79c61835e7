/* Compiles when the hand-written declarations of @haggle/client are true: every class of its sources fits its declaration, and
   has no member that is neither declared nor listed here as its own. */
import type * as declared from "../../../packages/client/types/index.d.ts";
import * as index from "../../../packages/client/src/index.js";
import type { HaggleClient } from "../../../packages/client/src/client.js";
import type { ServerClock } from "../../../packages/client/src/clock.js";
import type { HaggleError } from "../../../packages/client/src/error.js";
import type { Inbox } from "../../../packages/client/src/inbox.js";
import type { Rest } from "../../../packages/client/src/rest.js";
import type { Room } from "../../../packages/client/src/room.js";
import type { Timeline } from "../../../packages/client/src/timeline.js";

index satisfies Omit<typeof declared, "HaggleClient" | "HaggleError">;
index.HaggleClient satisfies new (options: declared.ClientOptions) => declared.HaggleClient;
index.HaggleError satisfies new (...args: ConstructorParameters<typeof declared.HaggleError>) => Omit<declared.HaggleError, never>;

type Nothing<T extends never> = T;
type Undeclared<Source, Declared> = Exclude<keyof Source, keyof Declared>;

export type Checks = [
  Nothing<Exclude<Undeclared<HaggleClient, declared.HaggleClient>, "emit">>,
  Nothing<Undeclared<HaggleError, declared.HaggleError>>,
  Nothing<Exclude<Undeclared<ServerClock, declared.ServerClock>, "set" | "setRoughly" | "isKnown">>,
  Nothing<Exclude<Undeclared<Inbox, declared.Inbox>, "emit" | "update">>,
  Nothing<Exclude<Undeclared<Rest, declared.Rest>, "whyNot">>,
  Nothing<Exclude<Undeclared<Room, declared.Room>, "emit" | "push" | "receive" | "reconnected" | "disconnected">>,
  Nothing<Exclude<Undeclared<Timeline, declared.Timeline>, "merge" | "start">>,
];
