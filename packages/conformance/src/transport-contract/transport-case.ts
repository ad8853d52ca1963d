import type { Dial, Transport } from "@arcp/core";
import { isRequirementId, type RequirementId } from "../manifest/manifest.ts";

/** The two ends of an open connection. */
export interface OpenConnection {
  readonly client: Transport;
  readonly runtime: Transport;
}

/** How to open the connections that the contract checks. An optional member is absent if the transport cannot do it. */
export interface OpenTransport<C extends OpenConnection = OpenConnection> {
  /** Opens a new connection, on which nothing has been sent yet. */
  open(): Promise<C>;
  /** Releases what else belongs to a connection whose ends were closed, such as the server of one of them. */
  release?(connection: C): void | Promise<void>;
  /** Breaks a connection abruptly, as a pulled cable would. Neither end is told why. */
  sever?(connection: C): void | Promise<void>;
  /** Whether a peer learns a close reason other than `normal`. */
  readonly reasons?: true;
  /** A way to an endpoint that takes connections. */
  readonly dial?: Dial;
}

/** The optional abilities of a transport. */
export type TransportAbility = "sever" | "reasons" | "dial";

/** One promise of a transport. */
export interface TransportCase {
  readonly name: string;
  readonly requirements: readonly RequirementId[];
  /** Without these there is nothing to check: skip the case, and say so. */
  readonly needs: readonly TransportAbility[];
  /** Rejects if the promise is broken, saying how. Closes every connection that it opens. */
  run<C extends OpenConnection>(open: OpenTransport<C>): Promise<void>;
}

/** A connection in the hands of a case, seen from the end under test. */
export interface Stage {
  readonly here: Transport;
  readonly there: Transport;
  sever(): Promise<void>;
}

const directions = [
  ["from client to runtime", ({ client, runtime }: OpenConnection) => [client, runtime]],
  ["from runtime to client", ({ client, runtime }: OpenConnection) => [runtime, client]],
] as const;

/** The same promise for both ends: one case each. */
export function bothWays(
  name: string,
  needs: readonly TransportAbility[],
  act: (stage: Stage) => Promise<void>,
): readonly TransportCase[] {
  return directions.map(([direction, endsOf]) =>
    transportCase(`${name}, ${direction}`, needs, async (open) => {
      const connection = await open.open();
      const [here, there] = endsOf(connection) as [Transport, Transport];
      const sever = async (): Promise<void> => open.sever?.(connection);
      try {
        await act({ here, there, sever });
      } finally {
        here.close();
        there.close();
        await open.release?.(connection);
      }
    }),
  );
}

export function transportCase(
  name: string,
  needs: readonly TransportAbility[],
  run: TransportCase["run"],
): TransportCase {
  const cited = [...name.matchAll(/\bR-[\d.]+-\d+/g)].map(([id]) => id);
  return { name, requirements: cited.filter(isRequirementId), needs, run };
}

/** The abilities that the case needs and the transport lacks; nothing if the case can run. */
export function missing<C extends OpenConnection>(
  { needs }: TransportCase,
  open: OpenTransport<C>,
): readonly TransportAbility[] {
  return needs.filter((need) => open[need] === undefined);
}
