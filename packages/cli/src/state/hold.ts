import { link, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newMessageId } from "@arcp/core";
import { type LocalAnswer, type LocalRequest, LocalSocket } from "./local-socket.ts";

/**
 * Who may use the session of a submission: one process at a time, its holder, which answers on a local socket while it lives.
 * A session that two processes resume in turn would be torn from each by the other.
 *
 * 1. A holder is a file `holder.N` that names a socket. The one with the highest N counts, and only while somebody listens.
 * 2. It is made by a link, so of all who want to be N one becomes it; the socket listens before.
 * 3. Files below N go only once `holder.N` is there, and that of a holder that left stays. So whoever made a lower one late, for
 *    a holder that it saw dead long ago, finds a higher one and gives up.
 */
export class Hold implements AsyncDisposable {
  readonly #socket: LocalSocket;

  private constructor(socket: LocalSocket) {
    this.#socket = socket;
  }

  /**
   * @param directory of the submission
   * @param answer what the holder says to other processes
   * @returns undefined when another process is the holder, or the submission has been forgotten
   */
  static async take(
    directory: string,
    answer: (request: LocalRequest) => Promise<LocalAnswer>,
  ): Promise<Hold | undefined> {
    try {
      const name = newMessageId("").slice(-8);
      await using undo = new AsyncDisposableStack();
      const socket = undo.use(await LocalSocket.open(directory, name, answer));
      if (!(await becomeHolder(directory, socket.path))) return undefined;
      undo.move();
      return new Hold(socket);
    } catch (error) {
      if (await isMissing(directory)) return undefined;
      throw error;
    }
  }

  /**
   * Asks the holder.
   *
   * @returns undefined when there is none
   */
  static async ask(
    directory: string,
    request: LocalRequest,
    signal: AbortSignal,
  ): Promise<LocalAnswer | undefined> {
    const holder = await latestHolder(directory);
    return holder && LocalSocket.ask(holder.socket, request, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#socket[Symbol.asyncDispose]();
  }
}

interface Holder {
  readonly number: number;
  /** The path of its socket. */
  readonly socket: string;
}

/** @returns false when another process is the holder */
async function becomeHolder(directory: string, socket: string): Promise<boolean> {
  for (;;) {
    const before = await latestHolder(directory);
    if (before !== undefined && (await LocalSocket.isAlive(before.socket))) return false;
    if (await claim(directory, (before?.number ?? 0) + 1, socket)) return true;
  }
}

async function latestHolder(directory: string): Promise<Holder | undefined> {
  for (;;) {
    const number = (await holders(directory)).at(-1);
    if (number === undefined) return undefined;
    const socket = await readFile(fileOf(directory, number), "utf8").catch(() => undefined);
    // It went because a higher one is there.
    if (socket !== undefined) return { number, socket };
  }
}

/** @returns whether the number is ours, and the highest */
async function claim(directory: string, number: number, socket: string): Promise<boolean> {
  const draft = join(directory, newMessageId("draft_"));
  await writeFile(draft, socket, { mode: 0o600 });
  try {
    await link(draft, fileOf(directory, number));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const all = await holders(directory);
  const isLatest = all.at(-1) === number;
  const obsolete = isLatest ? all.filter((other) => other < number) : [number];
  for (const other of obsolete) await rm(fileOf(directory, other), { force: true });
  return isLatest;
}

/** The numbers of those that there are or were, in ascending order. */
async function holders(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => /^holder\.\d+$/.test(name))
    .map((name) => Number(name.slice("holder.".length)))
    .sort((a, b) => a - b);
}

function fileOf(directory: string, number: number): string {
  return join(directory, `holder.${number}`);
}

async function isMissing(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found === undefined;
}
