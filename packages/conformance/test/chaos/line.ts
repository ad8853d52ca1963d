import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "./random.ts";

/** The bytes of an opening that are kept. */
const OPENING = 4_096;

/** Breaks a connection. One that was ended cannot be reset any more, and would hang half destroyed. */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** One connection through the network: two sockets, and what passes between them. */
export class Line {
  readonly near: Socket;
  readonly far: Socket;
  /** The first of what the client said. */
  readonly opening: Buffer[] = [];
  /** Resolves to false once both ends are gone. */
  readonly over: Promise<false>;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  #told = 0;
  #swallowing = false;
  #gate: Promise<void> | undefined;
  /** Bytes that may still pass to the client, and what to do then. */
  #left = Number.POSITIVE_INFINITY;
  #full = (): void => {};

  constructor(near: Socket, far: Socket, random: Random, signal: AbortSignal) {
    this.near = near;
    this.far = far;
    this.#random = random;
    this.#signal = signal;
    near.on("data", (data: Buffer) => {
      if (this.#told < OPENING) this.opening.push(data);
      this.#told += data.length;
    });
    const closed = [this.#carry(near, far), this.#carry(far, near)];
    this.over = Promise.all(closed).then(() => false as const);
  }

  /** Resolves once so many more bytes have passed to the client; what follows is held back. */
  after(bytes: number): Promise<true> {
    // Whatever is held back goes on.
    this.#full();
    this.#left = Math.round(bytes);
    return new Promise((resolve) => {
      this.#full = () => resolve(true);
    });
  }

  /** From now on takes everything and passes on nothing, not even an end. */
  swallow(): void {
    this.#swallowing = true;
    this.#full();
  }

  /** Holds everything up. @returns lets it go on */
  stall(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = undefined;
      resolve();
    };
  }

  #carry(from: Socket, to: Socket): Promise<void> {
    from.on("data", (data: Buffer) => {
      from.pause();
      this.#pass(data, to).then(
        () => from.resume(),
        () => {},
      );
    });
    from.on("end", () => this.#swallowing || to.end());
    // What broke on one side breaks on the other, unless somebody holds that one.
    from.on("error", () => this.#swallowing || reset(to));
    return new Promise((resolve) => from.once("close", () => resolve()));
  }

  async #pass(data: Buffer, to: Socket): Promise<void> {
    if (this.#swallowing) return;
    const random = this.#random;
    if (random.chance(0.3)) {
      const ms = random.wait(random.chance(0.05) ? 200 : 4);
      await pause(ms, undefined, { signal: this.#signal });
    }
    await this.#gate;
    const rest = to === this.near ? await this.#rationed(data) : data;
    if (this.#swallowing || to.destroyed || to.write(rest)) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        to.off("drain", settle);
        to.off("close", settle);
        resolve();
      };
      to.on("drain", settle);
      to.on("close", settle);
    });
  }

  /** Passes on what may pass, and waits until more may. @returns what is left to pass */
  async #rationed(data: Buffer): Promise<Buffer> {
    if (data.length < this.#left) {
      this.#left -= data.length;
      return data;
    }
    if (!this.near.destroyed) this.near.write(data.subarray(0, this.#left));
    const rest = data.subarray(this.#left);
    const { promise, resolve } = Promise.withResolvers<void>();
    const full = this.#full;
    this.#full = resolve;
    full();
    await promise;
    return rest;
  }
}
