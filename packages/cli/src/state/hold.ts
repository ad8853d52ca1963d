import { stat } from "node:fs/promises";
import { newMessageId } from "@arcp/core";
import { usage } from "../failure.ts";
import { claim, latestHolder } from "./holder.ts";
import { type LocalAnswer, type LocalRequest, LocalSocket } from "./local-socket.ts";

/**
 * Who may use the session of a submission: one process at a time, its holder, which answers on a local socket while it lives. If
 * two processes resumed a session in turn, each would tear it from the other.
 *
 * 1. A holder is a file `holder.N` that names a socket. The one with the highest N counts, and only while somebody listens.
 * 2. The file is created by a link, so only one of those that want to be N succeeds; its socket listens before that.
 * 3. Files below N are removed only once `holder.N` exists, and the file of a holder that left stays. So a process that creates a
 *    lower one late, because it once saw a dead holder, finds a higher one and gives up.
 */
export class Hold implements AsyncDisposable {
  readonly #socket: LocalSocket;

  private constructor(socket: LocalSocket) {
    this.#socket = socket;
  }

  /**
   * @param directory of the submission
   * @param answer what the holder answers to other processes
   * @returns undefined if another process is the holder, or the submission has been forgotten
   * @throws LocalError `MISUSE` if the directory cannot be written
   */
  static async take(
    directory: string,
    answer: (request: LocalRequest) => Promise<LocalAnswer>,
  ): Promise<Hold | undefined> {
    try {
      const name = newMessageId("").slice(-8);
      const socket = await LocalSocket.open(directory, name, answer);
      let isHolder = false;
      try {
        isHolder = await becomeHolder(directory, socket.path);
      } finally {
        if (!isHolder) await socket[Symbol.asyncDispose]();
      }
      return isHolder ? new Hold(socket) : undefined;
    } catch (error) {
      if (await isMissing(directory)) return undefined;
      if (!(error instanceof Error && "syscall" in error)) throw error;
      throw usage(
        `${directory} cannot be written, which coming back to a job requires: ${error.message}`,
      );
    }
  }

  static async isHeld(directory: string): Promise<boolean> {
    const holder = await latestHolder(directory);
    return holder !== undefined && LocalSocket.isAlive(holder.socket);
  }

  /**
   * Asks the holder.
   *
   * @returns undefined if there is none
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

/** @returns false if another process is the holder */
async function becomeHolder(directory: string, socket: string): Promise<boolean> {
  for (;;) {
    const before = await latestHolder(directory);
    if (before !== undefined && (await LocalSocket.isAlive(before.socket))) return false;
    if (await claim(directory, (before?.number ?? 0) + 1, socket)) return true;
  }
}

async function isMissing(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found === undefined;
}
