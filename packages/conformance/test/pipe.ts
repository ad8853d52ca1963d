import { Transform, type TransformCallback } from "node:stream";

/** One direction of a pair of pipes, which breaks or comes to a standstill when it is told to. */
export class Pipe extends Transform {
  #gate: PromiseWithResolvers<void> | undefined;

  /** Breaks it; what is on its way is lost. */
  cut(): void {
    this.release();
    this.destroy();
  }

  /** Lets nothing more through. */
  stall(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#gate === undefined) done(null, chunk);
    else void this.#gate.promise.then(() => this._transform(chunk, encoding, done));
  }
}
