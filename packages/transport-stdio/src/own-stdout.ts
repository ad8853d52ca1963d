import { Console } from "node:console";
import { Writable } from "node:stream";
import { LocalError } from "@arcp/core";

let taken = false;

/**
 * Takes the standard output of this process for the protocol alone, for good: what anybody else writes to `process.stdout`,
 * by `console.log` too, goes to the standard error (R-4.2-2). `process.stdout` stays a whole stream of its own, with its
 * callbacks, its `drain` and its end; only where its bytes go is another. A parent that is gone breaks both, which must not
 * end a process that has jobs to cancel.
 *
 * @returns the way to the real one
 * @throws LocalError `MISUSE` when it was taken before
 */
export function takeStdout(): Writable {
  if (taken)
    throw new LocalError("MISUSE", "stdio is already being served: a process has only one stdout");
  taken = true;
  const { stdout, stderr, versions } = process;
  const write = stdout._write.bind(stdout);
  const diverted: Sink = {
    // That of Bun goes around the next.
    write: Writable.prototype.write,
    _write(chunk, encoding, done) {
      let over = false;
      const once = (error?: Error | null): void => {
        if (over) return;
        over = true;
        done(error);
      };
      // At once where there is room, so that what is printed keeps its order and is out before the process exits.
      if (stderr.write(chunk, encoding, once)) once();
    },
    _writev: undefined,
    // Its end is none of the pipe's.
    _final: (done) => done(),
  };
  Object.assign(stdout, diverted);
  // Their consoles write to the file itself; that of Node writes to the stream.
  if (versions["bun"] !== undefined || versions["deno"] !== undefined) {
    Object.assign(console, new Console({ stdout, stderr }));
  }
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  return new Writable({ write });
}

/** What a stream does with its bytes. */
type Sink = Pick<Writable, "write" | "_write" | "_final"> & { readonly _writev: undefined };
