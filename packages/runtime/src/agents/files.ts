import { ArcpError, checkOptions, type OptionRules } from "@arcp/core";
import type { FileAccess } from "../authority/covered-path.ts";
import { readContent } from "../authority/file-content.ts";
import type { FileCapability, FileReach } from "../authority/file-reach.ts";
import {
  type DirectoryEntry,
  type FileStatus,
  listDirectory,
  openForReading,
  statFile,
} from "../authority/file-reading.ts";
import { openForWriting, type WriteFlag } from "../authority/file-writing.ts";
import { quoted } from "../authority/quoted.ts";
import type { Job } from "../jobs/job.ts";
import { namedOption } from "./named-option.ts";
import type { Operations } from "./operation.ts";

/** How a file is written. */
export interface WriteOptions {
  /**
   * What happens to an existing file, as in `node:fs`: `w` replaces its content, `a` appends, `wx` fails with `EEXIST`. Default
   * `w`.
   */
  readonly flag?: WriteFlag | undefined;
}

const WRITE_RULES: OptionRules<WriteOptions> = { flag: namedOption };

/** Reads and writes files for one job, within `fs.read` and `fs.write`. */
export class Files {
  readonly #job: Job;
  readonly #operations: Operations;
  readonly #reading: FileAccess;
  readonly #writing: FileAccess;
  readonly #mostBytes: number;

  /**
   * @param reach of the job's lease, as resolved before its agent ran
   * @param mostBytes the largest file that may be read
   */
  constructor(job: Job, reach: FileReach, operations: Operations, mostBytes: number) {
    this.#job = job;
    this.#operations = operations;
    this.#mostBytes = mostBytes;
    const access = (capability: FileCapability): FileAccess => ({
      capability,
      guard: job.authority.guard,
      lease: job.authority.lease,
      ...reach[capability],
    });
    this.#reading = access("fs.read");
    this.#writing = access("fs.write");
  }

  /**
   * Reads the bytes of a file.
   * @throws ArcpError the refusal, or `INVALID_REQUEST` if the file is too large or not a regular file; the system's error if a
   *   covered file cannot be read
   */
  readFile(path: string): Promise<Uint8Array> {
    return this.#operations.run("fs.read", at(path), () => this.#content(path), sizeOf);
  }

  /** Reads a file as UTF-8 text. @throws as {@link readFile} */
  readText(path: string): Promise<string> {
    const read = async (): Promise<string> => (await this.#content(path)).toString();
    return this.#operations.run("fs.read", at(path), read, sizeOf);
  }

  async #content(path: string): Promise<Buffer> {
    await using handle = await openForReading(this.#reading, path);
    const { signal } = this.#job.life;
    return await readContent(handle, path, { most: this.#mostBytes, signal });
  }

  /**
   * Writes text as UTF-8, or bytes. The directory must exist. If the job ends meanwhile, partial content stays.
   *
   * @throws as {@link readFile}; ArcpError `INVALID_REQUEST` for other data or another flag; LocalError `MISUSE` for an unknown
   *   option
   */
  async writeFile(
    path: string,
    data: string | Uint8Array,
    options: WriteOptions = {},
  ): Promise<void> {
    checkOptions("writeFile", options, WRITE_RULES);
    const { flag = "w" } = options;
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      throw new ArcpError("INVALID_REQUEST", "what is written must be a string or a Uint8Array");
    }
    if (!["w", "a", "wx"].includes(flag)) {
      throw new ArcpError("INVALID_REQUEST", "the flag of a write must be w, a or wx");
    }
    const args = { ...at(path), ...sizeOf(data) };
    await this.#operations.run("fs.write", args, async () => {
      await using handle = await openForWriting(this.#writing, path, flag);
      await handle.writeFile(data, { signal: this.#job.life.signal });
    });
  }

  /** Lists a directory. @throws as {@link readFile} */
  list(path: string): Promise<readonly DirectoryEntry[]> {
    const list = (): Promise<readonly DirectoryEntry[]> => listDirectory(this.#reading, path);
    return this.#operations.run("fs.list", at(path), list, ({ length }) => ({ entries: length }));
  }

  /** @throws as {@link readFile} */
  stat(path: string): Promise<FileStatus> {
    const stat = (): Promise<FileStatus> => statFile(this.#reading, path);
    return this.#operations.run("fs.stat", at(path), stat, ({ size }) => ({ byte_size: size }));
  }
}

/** The path as the stream shows it: an agent may pass something that is not a string, and not even JSON. */
function at(path: unknown): object {
  return { path: typeof path === "string" ? path : quoted(path) };
}

function sizeOf(content: string | Uint8Array): object {
  return { byte_size: Buffer.byteLength(content) };
}
