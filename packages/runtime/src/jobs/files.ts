import { ArcpError } from "@arcp/core";
import type { FileAccess } from "../authority/covered-path.ts";
import {
  type DirectoryEntry,
  type FileStatus,
  listDirectory,
  openForReading,
  statFile,
} from "../authority/file-reading.ts";
import { openForWriting, type WriteFlag } from "../authority/file-writing.ts";
import type { Job } from "./job.ts";
import type { Operations } from "./operation.ts";

/** How a file is written. */
export interface WriteOptions {
  /**
   * What becomes of a file that is there, as in `node:fs`: `w` replaces its content, `a` appends, `wx` fails with
   * `EEXIST`. Default `w`.
   */
  readonly flag?: WriteFlag;
}

/** The lease's patterns by capability, where they really are. */
export type RealPatterns = Readonly<Record<FileAccess["capability"], FileAccess["realPatterns"]>>;

/** Reads and writes files for one job, within `fs.read` and `fs.write`. */
export class Files {
  readonly #job: Job;
  readonly #operations: Operations;
  readonly #reading: FileAccess;
  readonly #writing: FileAccess;

  constructor(job: Job, realPatterns: RealPatterns, operations: Operations) {
    this.#job = job;
    this.#operations = operations;
    const access = (capability: FileAccess["capability"]): FileAccess => ({
      capability,
      guard: job.authority.guard,
      lease: job.authority.lease,
      realPatterns: realPatterns[capability],
    });
    this.#reading = access("fs.read");
    this.#writing = access("fs.write");
  }

  /** The bytes of a file. @throws ArcpError the refusal; the system's error when a covered file cannot be read */
  readFile(path: string): Promise<Uint8Array> {
    const read = async (): Promise<Uint8Array> => {
      await using handle = await openForReading(this.#reading, path);
      return await handle.readFile({ signal: this.#job.signal });
    };
    return this.#operations.run("fs.read", { path }, read, sizeOf);
  }

  /** A file as UTF-8 text. @throws as {@link readFile} */
  readText(path: string): Promise<string> {
    const read = async (): Promise<string> => {
      await using handle = await openForReading(this.#reading, path);
      return await handle.readFile({ encoding: "utf8", signal: this.#job.signal });
    };
    return this.#operations.run("fs.read", { path }, read, sizeOf);
  }

  /**
   * Writes text as UTF-8, or bytes. The directory has to be there; no partial content is undone when the job ends
   * meanwhile.
   *
   * @throws as {@link readFile}; ArcpError `INVALID_REQUEST` for other data or another flag
   */
  async writeFile(
    path: string,
    data: string | Uint8Array,
    { flag = "w" }: WriteOptions = {},
  ): Promise<void> {
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      throw new ArcpError("INVALID_REQUEST", "what is written must be a string or a Uint8Array");
    }
    if (!["w", "a", "wx"].includes(flag)) {
      throw new ArcpError("INVALID_REQUEST", "the flag of a write must be w, a or wx");
    }
    const args = { path, ...sizeOf(data) };
    await this.#operations.run("fs.write", args, async () => {
      await using handle = await openForWriting(this.#writing, path, flag);
      await handle.writeFile(data, { signal: this.#job.signal });
    });
  }

  /** What a directory holds. @throws as {@link readFile} */
  list(path: string): Promise<readonly DirectoryEntry[]> {
    const list = (): Promise<readonly DirectoryEntry[]> => listDirectory(this.#reading, path);
    return this.#operations.run("fs.list", { path }, list, ({ length }) => ({ entries: length }));
  }

  /** @throws as {@link readFile} */
  stat(path: string): Promise<FileStatus> {
    const stat = (): Promise<FileStatus> => statFile(this.#reading, path);
    return this.#operations.run("fs.stat", { path }, stat, ({ size }) => ({ byte_size: size }));
  }
}

function sizeOf(content: string | Uint8Array): object {
  return { byte_size: Buffer.byteLength(content) };
}
