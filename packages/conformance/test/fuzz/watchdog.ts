import { Worker } from "node:worker_threads";
import type { Program } from "./action.ts";

/** Milliseconds for which the event loop may stand still. */
const PATIENCE = 30_000;

/** Runs beside the event loop, which it cannot be kept from watching. */
const GUARD = `
const { parentPort, workerData: { turns, patience } } = require("node:worker_threads");
let program = "none";
let last = 0;
parentPort.on("message", (text) => { program = text; });
setInterval(() => {
  const now = Atomics.load(turns, 0);
  if (now === last) {
    require("node:fs").writeSync(2, "the event loop hangs; the program:\\n" + program + "\\n");
    process.kill(process.pid, "SIGKILL");
  }
  last = now;
}, patience);
`;

/** Ends the process, with the program that is being played, when the event loop no longer turns. */
export class Watchdog implements Disposable {
  readonly #turns = new Int32Array(new SharedArrayBuffer(4));
  readonly #guard: Worker;
  readonly #beat: NodeJS.Timeout;

  constructor() {
    const workerData = { turns: this.#turns, patience: PATIENCE };
    this.#guard = new Worker(GUARD, { eval: true, workerData });
    this.#guard.unref();
    this.#beat = setInterval(() => Atomics.add(this.#turns, 0, 1), PATIENCE / 10);
    this.#beat.unref();
  }

  plays(program: Program): void {
    this.#guard.postMessage(JSON.stringify(program));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beat);
    void this.#guard.terminate();
  }
}
