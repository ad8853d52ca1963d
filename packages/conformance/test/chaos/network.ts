import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Line, reset } from "./line.ts";
import type { Random } from "./random.ts";
import type { Tally } from "./tally.ts";

/** How bad the network is. Times are milliseconds. */
export interface Weather {
  /** Mean life of a connection until the next mishap. */
  readonly life: number;
  /** Longest time for which a connection, or one end of it, stays open and swallows what it gets. */
  readonly halfOpen: number;
  /** Shares of the connections that are refused, swallowed from the start, and replayed. */
  readonly refused: number;
  readonly blackHole: number;
  readonly replayed: number;
}

/** How a connection may come to its end; at a stall it goes on. */
const mishaps = [
  "reset",
  "reset",
  "fin",
  "client's end reset, runtime's lingers",
  "runtime's end reset, client's lingers",
  "half-open",
  "stall",
  "stall",
] as const;

/**
 * A network between clients and a runtime that delays, cuts, hangs, refuses and repeats, as its random numbers say. What it
 * delivers on one connection is always the beginning of what was sent.
 */
export class ChaosNetwork {
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #weather: Weather;
  readonly #tally: Tally;
  readonly #sockets = new Set<Socket>();
  /** Aborts all that waits here. */
  readonly #over = new AbortController();
  #calm = false;

  private constructor(
    server: Server,
    port: number,
    random: Random,
    weather: Weather,
    tally: Tally,
  ) {
    this.#server = server;
    this.#port = port;
    this.#weather = weather;
    this.#tally = tally;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
    server.on("connection", (near) => void this.#join(near, random.fork()));
  }

  /** @param port of the runtime on this machine */
  static async to(
    port: number,
    random: Random,
    weather: Weather,
    tally: Tally,
  ): Promise<ChaosNetwork> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ChaosNetwork(server, port, random, weather, tally);
  }

  /** How many ends of connections are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** From now on it has no new mishaps. Those that are under way take their course. */
  calm(): void {
    this.#calm = true;
  }

  close(): void {
    this.#server.close();
    this.#over.abort();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #join(near: Socket, random: Random): Promise<void> {
    this.#tally.add("network: connections");
    this.#keep(near);
    const { life, halfOpen, refused, blackHole, replayed } = this.#weather;
    if (!this.#calm && random.chance(refused)) {
      this.#tally.add("network: refused");
      reset(near);
      return;
    }
    if (!this.#calm && random.chance(blackHole)) {
      this.#tally.add("network: black hole");
      near.resume();
      if (await this.#wait(random.between(halfOpen / 4, halfOpen))) reset(near);
      return;
    }
    const far = this.#dial();
    const line = new Line(near, far, random, this.#over.signal);
    if (!this.#calm && random.chance(replayed)) void this.#replay(line, random.fork());
    while (!near.destroyed || !far.destroyed) {
      // Half of the cuts come after a number of bytes, and so in the middle of a frame.
      const bytes = random.chance(0.5) ? 10 ** random.between(2.5, 6.7) : Number.POSITIVE_INFINITY;
      const full = line.after(bytes);
      const alive = await Promise.race([full, this.#wait(random.wait(life)), line.over]);
      if (alive === false || this.#over.signal.aborted) return;
      if (this.#calm) return;
      const mishap = random.pick(mishaps);
      this.#tally.add(`network: ${mishap}`);
      if (!(await this.#meet(mishap, line, random))) return;
    }
  }

  /** @returns whether the connection goes on */
  async #meet(mishap: (typeof mishaps)[number], line: Line, random: Random): Promise<boolean> {
    const { near, far } = line;
    const { halfOpen } = this.#weather;
    const time = random.between(halfOpen / 10, halfOpen);
    switch (mishap) {
      case "reset":
        reset(near);
        reset(far);
        return false;
      case "fin":
        line.swallow();
        near.end();
        far.end();
        await this.#wait(100);
        break;
      case "client's end reset, runtime's lingers":
        line.swallow();
        reset(near);
        await this.#wait(time);
        break;
      case "runtime's end reset, client's lingers":
        line.swallow();
        reset(far);
        await this.#wait(time);
        break;
      case "half-open":
        line.swallow();
        await this.#wait(time);
        break;
      case "stall": {
        const release = line.stall();
        await this.#wait(random.between(20, Math.min(3_000, halfOpen)));
        release();
        return true;
      }
    }
    reset(near);
    reset(far);
    return false;
  }

  /** The client's first words once more on another connection, as they were: a duplicated opening. */
  async #replay(line: Line, random: Random): Promise<void> {
    if (!(await this.#wait(random.between(50, 3_000)))) return;
    this.#tally.add("network: opening replayed");
    const twin = this.#dial();
    twin.resume();
    for (const piece of line.opening) twin.write(piece);
    if (await this.#wait(random.between(50, this.#weather.halfOpen / 4))) reset(twin);
  }

  #dial(): Socket {
    const far = connect({ port: this.#port, host: "127.0.0.1", allowHalfOpen: true });
    this.#keep(far);
    return far;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  /** @returns false when the network was closed meanwhile */
  #wait(ms: number): Promise<boolean> {
    return pause(ms, true, { signal: this.#over.signal }).catch(() => false);
  }
}
