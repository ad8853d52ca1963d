import { link, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newMessageId } from "@arcp/core";

/** A process that holds a submission, or did. */
export interface Holder {
  readonly number: number;
  /** The path of its socket. */
  readonly socket: string;
}

/** The holder that counts. */
export async function latestHolder(directory: string): Promise<Holder | undefined> {
  for (;;) {
    const number = (await holders(directory)).at(-1);
    if (number === undefined) return undefined;
    const socket = await readFile(fileOf(directory, number), "utf8").catch(() => undefined);
    // The file is gone because there is a higher one.
    if (socket !== undefined) return { number, socket };
  }
}

/**
 * Creates a holder.
 *
 * @returns whether the number is ours, and the highest
 */
export async function claim(directory: string, number: number, socket: string): Promise<boolean> {
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

/** The numbers of all present and past holders, ascending. */
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
