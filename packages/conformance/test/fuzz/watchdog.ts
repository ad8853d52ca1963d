import { Worker } from "node:worker_threads";
import type { Program } from "./action.ts";

/** Milliseconds for which the event loop may stand still, and for which one program may be played. */
const PATIENCE = { turn: 30_000, program: 600_000 };

/** Runs beside the event loop, which it cannot be kept from watching. */
const GUARD = `
const { parentPort, workerData: { turns, patience } } = require("node:worker_threads");
let program = "none";
let begun = Infinity;
let last = 0;
parentPort.on("message", (text) => {
  program = text;
  begun = performance.now();
});
function end(what) {
  require("node:fs").writeSync(2, what + " hangs; the program:\\n" + program + "\\n");
  process.kill(process.pid, "SIGKILL");
}
setInterval(() => {
  const now = Atomics.load(turns, 0);
  if (now === last) end("the event loop");
  if (performance.now() > begun + patience.program) end("what a program waits for");
  last = now;
}, patience.turn);
`;

/** Ends the process, with the program that is being played, when the event loop no longer turns or a program does not end. */
export class Watchdog implements Disposable {
  readonly #turns = new Int32Array(new SharedArrayBuffer(4));
  readonly #guard: Worker;
  readonly #beat: NodeJS.Timeout;

  constructor() {
    const workerData = { turns: this.#turns, patience: PATIENCE };
    this.#guard = new Worker(GUARD, { eval: true, workerData });
    this.#guard.unref();
    this.#beat = setInterval(() => Atomics.add(this.#turns, 0, 1), PATIENCE.turn / 10);
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
