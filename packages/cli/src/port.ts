import type { LocalError } from "@arcp/core";
import { InvalidArgumentError } from "commander";
import { usage } from "./failure.ts";

/** Parses the port to listen on; 0 means any free port. */
export function portNumber(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 65_535) return number;
  throw new InvalidArgumentError("it has to be a number from 0 to 65535.");
}

/** What can be done about a failure to listen; undefined if the failure was another one. */
export function listenFailure(
  error: unknown,
  port: number,
  host = "127.0.0.1",
): LocalError | undefined {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return usage(`port ${port} is in use: choose another --port, or 0 for a free one`);
    case "EACCES":
      return usage(`port ${port} needs special privileges: choose another --port, such as 7777`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return usage(`${host} is not an address of this machine: choose another --host`);
    default:
      return undefined;
  }
}
