import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { allowAnonymous, createRuntime } from "@arcp/runtime";
import { sqliteStore } from "../src/index.ts";
import { lastingPort } from "./lasting-port.ts";

const SERVE = fileURLToPath(new URL("serve.ts", import.meta.url));

/** A runtime on a file that is killed and restarted at the same address. */
export class Victim {
  readonly #file: string;
  #process: ChildProcess | undefined;
  url = "";

  constructor(file: string) {
    this.#file = file;
  }

  async start(): Promise<void> {
    const port = this.url === "" ? await lastingPort() : new URL(this.url).port;
    const child = spawn(process.execPath, [SERVE, this.#file, `${port}`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process = child;
    const [line] = await Promise.race([once(child.stdout, "data"), once(child.stdout, "end")]);
    if (line === undefined) throw new Error("the runtime does not start");
    this.url = String(line).trim();
  }

  /** Kills it for good. What it wrote only in part, such as an end that the index does not have, is put right. */
  async end(): Promise<void> {
    await this.kill();
    const runtime = createRuntime({
      agents: [],
      auth: allowAnonymous(),
      store: sqliteStore(this.#file),
    });
    await runtime.jobs.get("any");
    await runtime.close();
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}
