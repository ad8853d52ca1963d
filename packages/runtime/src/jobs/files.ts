import { ArcpError } from "@arcp/core";
import {
  type DirectoryEntry,
  type FileStatus,
  listDirectory,
  openForReading,
  type ReadAccess,
  statFile,
} from "../authority/real-path.ts";
import type { Job } from "./job.ts";
import type { ToolCaller } from "./tools.ts";

/** Reads files for one job, within `fs.read`. A refusal also shows on the stream (R-9.3-3). */
export class Files {
  readonly #job: Job;
  readonly #access: ReadAccess;
  readonly #calls: ToolCaller;

  constructor(job: Job, realPatterns: ReadAccess["realPatterns"], calls: ToolCaller) {
    this.#job = job;
    this.#access = { guard: job.guard, lease: job.authority, realPatterns };
    this.#calls = calls;
  }

  /** The bytes of a file. @throws ArcpError the refusal; the system's error when a covered file cannot be read */
  readFile(path: string): Promise<Uint8Array> {
    return this.#guarded("fs.read", path, async () => {
      await using handle = await openForReading(this.#access, path);
      return await handle.readFile({ signal: this.#job.signal });
    });
  }

  /** A file as UTF-8 text. @throws as {@link readFile} */
  readText(path: string): Promise<string> {
    return this.#guarded("fs.read", path, async () => {
      await using handle = await openForReading(this.#access, path);
      return await handle.readFile({ encoding: "utf8", signal: this.#job.signal });
    });
  }

  /** What a directory holds. @throws as {@link readFile} */
  list(path: string): Promise<readonly DirectoryEntry[]> {
    return this.#guarded("fs.list", path, () => listDirectory(this.#access, path));
  }

  /** @throws as {@link readFile} */
  stat(path: string): Promise<FileStatus> {
    return this.#guarded("fs.stat", path, () => statFile(this.#access, path));
  }

  async #guarded<T>(tool: string, path: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof ArcpError) await this.#calls.refuse(tool, { path }, error);
      throw error;
    }
  }
}
