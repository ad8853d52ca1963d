import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SavedSession, SubmitOptions } from "@arcp/client";
import { newMessageId } from "@arcp/core";
import { stateDirectory } from "../directories.ts";
import { usage } from "../failure.ts";
import { makeDirectory } from "../made-directory.ts";
import type { Surroundings } from "../surroundings.ts";
import { Hold } from "./hold.ts";

/** A submit as it was made, to be repeated as long as its outcome is unknown. */
export interface SubmitRequest {
  readonly agent: string;
  readonly input: unknown;
  readonly lease?: SubmitOptions["lease"];
  readonly maxRuntimeSec?: number;
  /** RFC 3339. */
  readonly expiresAt?: string;
}

/** What is needed to return to a job. Plain JSON; it holds a resume token, so it is as secret as a password. */
export interface SubmissionRecord {
  /** The version of this format. */
  readonly version: 1;
  readonly url: string;
  /** The profile under which the job was submitted. */
  readonly profile?: string;
  readonly key: string;
  /** RFC 3339. */
  readonly submittedAt: string;
  /** Present until the job is known. */
  readonly request?: SubmitRequest;
  readonly job?: string;
  readonly session?: SavedSession;
  /** When last asked, its runtime had no such job: it lost it, or the token was another principal's. */
  readonly missing?: true;
}

/** How long a submission that nobody returns to is kept, in ms; its session is long gone by then. */
const KEPT = 7 * 24 * 60 * 60 * 1000;

/** One submit of this user on this machine: a directory of its own in the state directory, readable by nobody else. */
export class Submission {
  readonly directory: string;
  #record: SubmissionRecord;
  #writing: Promise<void> = Promise.resolve();
  #unwritten: unknown;
  #isForgotten = false;

  private constructor(directory: string, record: SubmissionRecord) {
    this.directory = directory;
    this.#record = record;
  }

  get record(): SubmissionRecord {
    return this.#record;
  }

  /** Why the file is not up to date; undefined if it is. */
  get unwritten(): unknown {
    return this.#unwritten;
  }

  /** Writes down a submit before it is made, and forgets old ones that nobody returned to. */
  static async begin(
    request: SubmitRequest,
    { url, profile, key }: Pick<SubmissionRecord, "url" | "profile" | "key">,
    surroundings: Surroundings,
  ): Promise<Submission> {
    const base = baseOf(surroundings);
    // Sorted by name, the directories are in the order of their creation.
    const directory = join(base, newMessageId("sub_"));
    const now = surroundings.clock.now();
    const submission = new Submission(directory, {
      version: 1,
      url,
      ...(profile !== undefined && { profile }),
      key,
      submittedAt: new Date(now).toISOString(),
      request,
    });
    try {
      await makeDirectory(directory, 0o700);
      await submission.#write();
    } catch (error) {
      throw usage(
        `cannot write below ${base}, which has to hold what coming back takes: ${reasonOf(error)}`,
      );
    }
    await forgetBefore(base, now - KEPT);
    return submission;
  }

  /** All submissions, the latest first, without those that cannot be read. */
  static async all(surroundings: Surroundings): Promise<readonly Submission[]> {
    const base = baseOf(surroundings);
    const found: Submission[] = [];
    for (const name of await namesIn(base)) {
      const directory = join(base, name);
      const record = await readRecord(directory);
      if (record !== undefined) found.push(new Submission(directory, record));
    }
    return found.reverse();
  }

  /** The submissions that led to this job, the latest first. Without a job: all whose job is not known to be missing. */
  static async of(job: string | undefined, around: Surroundings): Promise<readonly Submission[]> {
    const all = await Submission.all(around);
    return all.filter(({ record }) =>
      job === undefined ? record.missing === undefined : record.job === job,
    );
  }

  /**
   * For `connect({ persist })`. Once the submit is accepted, the job is known and the request is no longer needed. Never rejects,
   * which would cost the connection: what was written before leads to the job as well.
   */
  readonly persist = async (session: SavedSession): Promise<void> => {
    const { request, job = session.jobs[0], missing: _, ...rest } = this.#record;
    const known = job === undefined ? { request } : { job };
    this.#record = { ...rest, ...(known as Partial<SubmissionRecord>), session };
    await this.#tryToWrite();
  };

  /** Keeps the record only for users who name the job, because perhaps just the token is wrong. */
  async miss(): Promise<void> {
    this.#record = { ...this.#record, missing: true };
    await this.#tryToWrite();
  }

  /** Reads what another process has written since. */
  async refresh(): Promise<void> {
    this.#record = (await readRecord(this.directory)) ?? this.#record;
  }

  /** Nothing can be returned to, or nobody needs to. */
  async forget(): Promise<void> {
    this.#isForgotten = true;
    await this.#writing.catch(() => {});
    await remove(this.directory);
  }

  async #tryToWrite(): Promise<void> {
    this.#unwritten = await this.#write().then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  #write(): Promise<void> {
    if (!this.#isForgotten) this.#writing = this.#replace();
    return this.#writing;
  }

  /** A process that dies halfway leaves the previous version. */
  async #replace(): Promise<void> {
    const path = join(this.directory, RECORD);
    await writeFile(`${path}.new`, JSON.stringify(this.#record), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}

const RECORD = "record.json";

function baseOf(surroundings: Surroundings): string {
  return join(stateDirectory(surroundings), "submissions");
}

async function namesIn(base: string): Promise<string[]> {
  const names = await readdir(base).catch(() => []);
  return names.filter((name) => name.startsWith("sub_")).sort();
}

async function readRecord(directory: string): Promise<SubmissionRecord | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(join(directory, RECORD), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Whether everything needed to return is there. The client that resumes the session checks the session itself. */
function isRecord(value: unknown): value is SubmissionRecord {
  const record: Partial<Record<keyof SubmissionRecord, unknown>> = Object(value);
  const { version, url, profile = "", key, submittedAt, request, job } = record;
  const { agent }: { readonly agent?: unknown } = Object(request);
  const texts = [url, profile, key, submittedAt, job ?? agent];
  return (
    version === 1 &&
    texts.every((text) => typeof text === "string") &&
    !Number.isNaN(Date.parse(String(submittedAt)))
  );
}

/** A record is written whenever its session makes progress, so an old one belongs to a job that nobody shows, or that is silent. */
async function forgetBefore(base: string, moment: number): Promise<void> {
  for (const name of await namesIn(base)) {
    const directory = join(base, name);
    const written = await stat(join(directory, RECORD))
      .catch(() => stat(directory))
      .catch(() => undefined);
    // Another process may have removed it meanwhile.
    if (written === undefined || written.mtimeMs >= moment) continue;
    if (!(await Hold.isHeld(directory))) await remove(directory);
  }
}

/** Another process may be trying to become the holder right now. What cannot be removed is no reason to fail. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
