import assert from "node:assert/strict";
import { type CloseReason, type Transport, TransportClosedError } from "@arcp/core";
import { soon } from "./patience.ts";

/** How a transport's frames ended: in good order, or broken, with the peer's reason if it gave one. */
export type Ending = "in good order" | { readonly reason: CloseReason | undefined };

/** The one reader of a transport. */
export class Reader {
  readonly #frames: AsyncIterator<string>;

  constructor({ frames }: Transport) {
    this.#frames = frames[Symbol.asyncIterator]();
  }

  /** @throws when fewer come */
  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    while (taken.length < count) {
      const { value, done } = await this.#next(`frame ${taken.length + 1} of ${count}`);
      assert(!done, `the frames ended after ${taken.length} of ${count}`);
      taken.push(value);
    }
    return taken;
  }

  /** Everything that comes until the end, and how that ends. */
  async rest(): Promise<{ frames: string[]; ending: Ending }> {
    const frames: string[] = [];
    try {
      for (;;) {
        const { value, done } = await this.#next(`the end of the frames, after ${frames.length}`);
        if (done) return { frames, ending: "in good order" };
        frames.push(value);
      }
    } catch (error) {
      if (!(error instanceof TransportClosedError)) throw error;
      return { frames, ending: { reason: error.reason } };
    }
  }

  /** Takes frames only to get to the end. */
  async ending(): Promise<Ending> {
    return (await this.rest()).ending;
  }

  #next(what: string): Promise<IteratorResult<string>> {
    return soon(this.#frames.next(), what);
  }
}

/** Insists that a call is refused as a closed transport refuses it. @returns the reason that it names */
export async function refusal(
  sending: Promise<void>,
  what: string,
): Promise<CloseReason | undefined> {
  const refused = await soon(
    sending.then(
      () => undefined,
      (error: unknown) => error,
    ),
    what,
  );
  assert(
    refused instanceof TransportClosedError,
    `${what}: expected a TransportClosedError, got ${refused ?? "no error"}`,
  );
  return refused.reason;
}
