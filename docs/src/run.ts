import { type Exit, Process } from "./process.ts";
import { type Program, sourceOf } from "./program.ts";
import { Scratch } from "./scratch.ts";

/** The port that pages use. No run uses it: the first part takes a free one and the others are told. */
const PORT = "7777";

/**
 * Runs a program as its page says.
 * @param deadline milliseconds that each part may take
 * @param within a folder in which its imports resolve. Default: one of this package
 * @returns how the last part ended
 * @throws Error when a part before it ended too early
 */
export async function run({ parts }: Program, deadline?: number, within?: string): Promise<Exit> {
  using scratch = new Scratch(within);
  await using background = new AsyncDisposableStack();
  const started: (readonly [name: string, process: Process])[] = [];
  let port = "0";
  for (const part of parts.slice(0, -1)) {
    const file = scratch.write(part.file, sourceOf(part).replaceAll(PORT, port));
    if (part.spawned) continue;
    const child = background.use(new Process([file], scratch.path, { deadline }));
    started.push([part.file, child]);
    port = /:(\d+)/.exec(await child.firstLine)?.[1] ?? port;
  }
  const [last] = parts.slice(-1);
  if (last === undefined) throw new Error("a program has at least one part");
  const file = scratch.write(last.file, sourceOf(last).replaceAll(PORT, port));
  await using child = new Process([file], scratch.path, { deadline });
  const exit = await child.exit;
  for (const [name, server] of started) {
    if (server.running) continue;
    const { stderr } = await server.exit;
    throw new Error(`${name} ended before ${last.file} did: ${stderr}`);
  }
  return exit;
}
