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
  if (taken) throw new LocalError("MISUSE", "stdio is served already: a process has one stdout");
  taken = true;
  const { stdout, stderr } = process;
  const write = stdout._write.bind(stdout);
  const diverted: Sink = {
    _write(chunk, encoding, done) {
      const room: boolean = stderr.write(chunk, encoding, (error) => {
        if (!room) done(error);
      });
      // At once where there is room, so that what is printed keeps its order and is out before the process exits.
      if (room) done();
    },
    _writev: undefined,
    // Its end is none of the pipe's.
    _final: (done) => done(),
  };
  Object.assign(stdout, diverted);
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  return new Writable({ write });
}

/** What a stream does with its bytes. */
type Sink = Pick<Writable, "_write" | "_final"> & { readonly _writev: undefined };
