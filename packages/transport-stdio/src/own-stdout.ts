import { Console } from "node:console";
import { Writable } from "node:stream";
import { LocalError } from "@arcp/core";
import { descriptorOutput } from "./descriptor-output.ts";

let taken = false;

/**
 * Reserves the standard output of this process for the protocol, permanently: whatever else is written to `process.stdout`, even
 * by `console.log`, goes to standard error (R-4.2-2). `process.stdout` stays a complete stream, with its callbacks, its `drain`
 * and its end; only its bytes go elsewhere. If the parent is gone, both pipes break, but that must not end a process that has
 * jobs to cancel.
 *
 * @returns a stream to the real standard output
 * @throws LocalError `MISUSE` if it was taken before
 */
export function takeStdout(): Writable {
  if (taken)
    throw new LocalError("MISUSE", "stdio is already being served: a process has only one stdout");
  taken = true;
  const { stdout, stderr, versions } = process;
  const write = stdout._write.bind(stdout);
  const diverted: Sink = {
    // Bun's own `write` would bypass `_write`.
    write: Writable.prototype.write,
    _write(chunk, encoding, done) {
      let over = false;
      const once = (error?: Error | null): void => {
        if (over) return;
        over = true;
        done(error);
      };
      // Complete the write at once if there is room, so that output keeps its order and is out before the process exits.
      if (stderr.write(chunk, encoding, once)) once();
    },
    _writev: undefined,
    // Ending it must not end the pipe.
    _final: (done) => done(),
  };
  Object.assign(stdout, diverted);
  // Their consoles write directly to the file descriptor; Node's writes to the stream.
  if (versions["bun"] !== undefined || versions["deno"] !== undefined) {
    Object.assign(console, new Console({ stdout, stderr }));
  }
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  // On Windows its own `write` waits, and the whole program with it, as long as the parent reads nothing.
  return process.platform === "win32" ? descriptorOutput(stdout.fd) : new Writable({ write });
}

/** The methods that decide what a stream does with its bytes. */
type Sink = Pick<Writable, "write" | "_write" | "_final"> & { readonly _writev: undefined };
