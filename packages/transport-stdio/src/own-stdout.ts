import { Writable } from "node:stream";
import { LocalError } from "@arcp/core";

let taken = false;

/**
 * Takes the standard output of this process for the protocol alone, for good: what anybody else writes to `process.stdout`,
 * by `console.log` too, goes to the standard error (R-4.2-2). A parent that is gone breaks both, which must not end a
 * process that has jobs to cancel.
 *
 * @returns the way to the real one
 * @throws LocalError `MISUSE` when it was taken before
 */
export function takeStdout(): Writable {
  if (taken) throw new LocalError("MISUSE", "stdio is served already: a process has one stdout");
  taken = true;
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  return new Writable({
    write(chunk, encoding, done) {
      write(chunk, encoding, done);
    },
  });
}
