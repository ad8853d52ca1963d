import {
  type CloseReason,
  type LinkedPair,
  linkedPair,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import type { Runtime } from "@arcp/runtime";
import { streamTransport } from "@arcp/transport-stdio";
import { dial, listen } from "@arcp/transport-ws";
import { Pipe } from "./pipe.ts";
import { Relay } from "./relay.ts";
import { type StoreName, stores } from "./shelf.ts";

/** A connection to the runtime whose cable the test holds in its hand. */
export interface Line {
  readonly transport: Transport;
  /** Breaks the connection without a word; what is on its way is lost. */
  sever(): void;
  /** Stops what the runtime sends, so that it has a client that does not read; `release` undoes it. */
  stall(): void;
  release(): void;
}

/** Where lines to a runtime come from. */
export interface Exchange {
  /** Its address, where there is one. */
  readonly url?: string;
  connect(): Promise<Line>;
  close(): Promise<void>;
}

const transports = ["memory", "ws", "stdio"] as const;
export type TransportName = (typeof transports)[number];

/** A transport and a store, such as `ws on sqlite`. */
export type Way = `${TransportName} on ${StoreName}`;

/** The matrix: every scenario is played over each transport (R-4-3), on each store. */
export const ways: readonly Way[] = transports.flatMap((transport) =>
  stores.map((store): Way => `${transport} on ${store}`),
);

/** The ways on which a runtime finds what the one before it left. */
export const durableWays = ways.filter((way) => !way.endsWith(" on memory"));

export function partsOf(way: Way): [TransportName, StoreName] {
  return way.split(" on ") as [TransportName, StoreName];
}

export const exchanges: Readonly<Record<TransportName, (runtime: Runtime) => Promise<Exchange>>> = {
  memory: async (runtime) => ({
    connect: async () => {
      const pair = linkedPair();
      runtime.serve(pair.runtime, { address: "", loopback: true });
      return new MemoryLine(pair);
    },
    close: async () => {},
  }),

  async ws(runtime) {
    const server = await listen({ port: 0 }, runtime.serve);
    const relays: Relay[] = [];
    return {
      url: server.url,
      async connect() {
        const relay = await Relay.to(Number(new URL(server.url).port));
        relays.push(relay);
        const transport = await dial(relay.url)(new AbortController().signal);
        return {
          transport,
          sever: () => relay.cut(),
          stall: () => relay.stall(),
          release: () => relay.release(),
        };
      },
      async close() {
        for (const relay of relays) relay.close();
        await server.close();
      },
    };
  },

  stdio: async (runtime) => ({
    connect: async () => new PipedLine(runtime),
    close: async () => {},
  }),
};

/**
 * Both ends of the pipes in one process: what a child process adds is tested in `@arcp/transport-stdio`. A pipe does not show
 * why it is closed, so the line tells what the runtime gave for a reason.
 */
class PipedLine implements Line {
  readonly transport: Transport;
  readonly #up = new Pipe();
  readonly #down = new Pipe();

  constructor(runtime: Runtime) {
    const client = streamTransport(this.#down, this.#up);
    const served = streamTransport(this.#up, this.#down);
    let reason: CloseReason | undefined;
    this.transport = {
      frames: {
        async *[Symbol.asyncIterator]() {
          yield* client.frames;
          if (reason !== undefined && reason !== "normal") throw new TransportClosedError(reason);
        },
      },
      send: (frames) => client.send(frames),
      close: (given) => client.close(given),
    };
    const told: Transport = {
      frames: served.frames,
      send: (frames) => served.send(frames),
      close(given) {
        reason ??= given;
        served.close(given);
      },
    };
    runtime.serve(told, { address: "", loopback: true });
  }

  sever(): void {
    this.#up.cut();
    this.#down.cut();
  }

  stall(): void {
    this.#down.stall();
  }

  release(): void {
    this.#down.release();
  }
}

class MemoryLine implements Line {
  readonly transport: Transport;
  readonly #pair: LinkedPair;
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(pair: LinkedPair) {
    this.#pair = pair;
    const { client } = pair;
    const isOpen = () => this.#gate?.promise;
    this.transport = {
      frames: {
        async *[Symbol.asyncIterator]() {
          for await (const frame of client.frames) {
            await isOpen();
            yield frame;
          }
        },
      },
      send: (frames) => client.send(frames),
      close: (reason) => {
        this.release();
        client.close(reason);
      },
    };
  }

  sever(): void {
    this.#pair.sever();
    this.release();
  }

  stall(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }
}
