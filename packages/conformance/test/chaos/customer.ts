import { setTimeout as pause } from "node:timers/promises";
import { type Client, connect, type Job } from "@arcp/client";
import { ArcpError, type Clock, LocalError } from "@arcp/core";
import { dial } from "@arcp/transport-ws";
import type { Errand, Handle } from "./errand.ts";
import type { House } from "./house.ts";
import type { Random } from "./random.ts";
import { Reading } from "./reading.ts";
import type { Tally } from "./tally.ts";
import type { Vigil } from "./vigil.ts";

export interface CustomerOptions {
  readonly name: string;
  /** Where its runtime is. */
  readonly house: House;
  readonly token: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly tally: Tally;
  readonly vigil: Vigil;
  /** Whether its client is sometimes aborted in the middle of everything. */
  readonly impatient: boolean;
}

/** Why an impatient customer's client ended. */
class Impatience extends Error {
  readonly code = "IMPATIENCE";
}

/** Milliseconds until a cancel that was refused is tried again, and until the operator is asked instead. */
const CANCEL = { again: 300, operator: 3_000 };

/** Has errands done, over one client after the other, and insists that each comes to its right end. */
export class Customer {
  readonly #options: CustomerOptions;
  #client: Promise<Client> | undefined;
  readonly #leaving = new AbortController();

  constructor(options: CustomerOptions) {
    this.#options = options;
  }

  /** Submits an errand and stays with it to its end. @param known told of the job's id */
  async run(errand: Errand, known: (jobId: string) => void): Promise<void> {
    let jobId: string | undefined;
    await this.#insist(errand, async (client, reading) => {
      if (jobId !== undefined && this.#options.random.chance(0.5)) {
        return this.#reopened(client, errand, reading, jobId);
      }
      const job = await client.submit(errand.agent, errand.input, { idempotencyKey: errand.name });
      if (jobId !== undefined && jobId !== job.id) throw new Error(`${errand.name} is run twice`);
      if (jobId === undefined) known(job.id);
      jobId = job.id;
      reading.restart();
      return job;
    });
  }

  /** Watches somebody else's job from its first event to its end. */
  async watch(errand: Errand, jobId: string): Promise<void> {
    await this.#insist(errand, async (client, reading) => {
      if (errand.streamed) reading.restart();
      return client.subscribe(jobId, { history: true, fromJobSeq: reading.position });
    });
  }

  /** Closes the client, if there is one. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  async #reopened(
    client: Client,
    errand: Errand,
    reading: Reading,
    jobId: string,
  ): Promise<Handle> {
    // What is streamed can only be checked from the start.
    if (errand.streamed) reading.restart();
    return client.job(jobId, { fromJobSeq: reading.position });
  }

  async #insist(
    errand: Errand,
    open: (client: Client, reading: Reading) => Promise<Handle>,
  ): Promise<void> {
    const { vigil, tally, name, house } = this.#options;
    const what = `${name} with ${errand.name} (${errand.agent})`;
    const reading = new Reading(errand, tally, house.character.forgets);
    for (let attempt = 1; ; attempt++) {
      const client = await vigil.over(`${what}, connecting`, this.#connected());
      const state = () => `${JSON.stringify(client.state)}, at ${reading.position}`;
      try {
        const handle = await vigil.over(`${what}, opening`, open(client, reading), state);
        const cancel = this.#canceller(errand, handle, reading);
        const following = reading.follow(handle, cancel);
        await vigil.over(`${what}, following ${handle.id}`, following, state);
        const ending = errand.check(handle, house.character.forgets);
        await vigil.over(`${what}, its end`, ending, state);
        tally.add(`handles: ended well, at attempt ${Math.min(attempt, 5)}`);
        return;
      } catch (error) {
        this.#tally(error, "handles");
        // A closed client cannot fetch what it let go of.
        const isCut = codeOf(error) === "HISTORY_LOST" && client.state.kind === "closed";
        if (isExpected(error) || isCut) continue;
        throw new Error(`${what}, attempt ${attempt}: ${error}`, { cause: error });
      }
    }
  }

  /** @returns called after every event, cancels the job once it is time to, and again if that fails */
  #canceller({ cancelAfter }: Errand, handle: Handle, reading: Reading): () => void {
    if (cancelAfter === undefined || !("cancel" in handle)) return () => {};
    const { house, tally } = this.#options;
    let first: number | undefined;
    let next = 0;
    return () => {
      const now = performance.now();
      if (reading.steps < cancelAfter || now < next) return;
      first ??= now;
      next = Number.POSITIVE_INFINITY;
      // The session that the job belongs to may be lost to its owner, and not yet to the runtime.
      const byOperator = now - first > CANCEL.operator;
      if (byOperator) tally.add("cancels: by the operator");
      const cancelled = byOperator
        ? house.runtime.jobs.cancel(handle.id)
        : (handle as Job).cancel("that is enough");
      Promise.resolve(cancelled).catch((error: unknown) => {
        this.#tally(error, "cancels");
        next = performance.now() + CANCEL.again;
      });
    };
  }

  /** The present client, or a new one once that is closed. All errands of a customer share it. */
  async #connected(): Promise<Client> {
    this.#client ??= this.#connect();
    const present = this.#client;
    const client = await present;
    if (client.state.kind !== "closed") return client;
    if (this.#client === present) this.#client = undefined;
    return this.#connected();
  }

  async #connect(): Promise<Client> {
    const { house, token, clock, random, impatient } = this.#options;
    for (;;) {
      const abort = new AbortController();
      try {
        const client = await connect(dial(house.network.url, { clock, closeTimeout: 500 }), {
          token,
          clock,
          signal: abort.signal,
          handshakeTimeout: 3_000,
          // Small for some, so that late readers have to fetch.
          eventBuffer: random.pick([500_000, 8_000_000]),
          requestTimeout: random.pick([2_500, 30_000]),
        });
        void this.#follow(client);
        if (impatient) void this.#lose(client, abort, random.wait(10_000));
        return client;
      } catch (error) {
        this.#tally(error, "connects");
        if (!isExpected(error)) throw error;
        await pause(random.between(20, 200));
      }
    }
  }

  /** Counts what the client goes through. */
  async #follow(client: Client): Promise<void> {
    const { tally } = this.#options;
    for await (const state of client.states) {
      if (state.kind === "retrying") this.#tally(state.error, "connections");
      if (state.kind === "online") tally.add("clients: online");
    }
  }

  async #lose(client: Client, abort: AbortController, ms: number): Promise<void> {
    const { signal } = this.#leaving;
    const stays = await pause(ms, false, { signal }).catch(() => true);
    if (stays || client.state.kind === "closed") return;
    this.#options.tally.add("clients: aborted");
    abort.abort(new Impatience("changed its mind"));
  }

  #tally(error: unknown, who: string): void {
    this.#options.tally.add(`${who}: ${codeOf(error)}: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** What any handle may end with on such a network, and any connection, besides the end of its job. */
const expected = ["REQUEST_TIMEOUT", "TRANSPORT_CLOSED", "IMPATIENCE"];

function isExpected(error: unknown): boolean {
  return expected.includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const isTyped =
    error instanceof ArcpError || error instanceof LocalError || error instanceof Impatience;
  return isTyped ? error.code : "untyped";
}
