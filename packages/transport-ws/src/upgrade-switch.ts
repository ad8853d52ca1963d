import { IncomingMessage, type ServerResponse } from "node:http";
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, LocalError, type Timer } from "@arcp/core";
import { guard, isTaken, writtenBytes } from "./foreign-socket.ts";
import { refuseRequest, refuseUpgrade } from "./refusal.ts";

/** Answers the upgrade requests for one path. */
export interface Endpoint {
  readonly path: string;
  /** After how many milliseconds a request that nobody takes is answered. */
  readonly upgradeTimeout: number;
  readonly clock: Clock;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const switches = new WeakMap<Server, UpgradeSwitch>();

/**
 * Routes the upgrade requests of an HTTP server: by their path to one of our endpoints, or to the server's other listeners, but
 * never to both ([ADR 22](../../../docs/adr/0022-beside-other-upgrade-handlers.md)). All attachments of a server share one.
 */
export class UpgradeSwitch {
  readonly #server: Server;
  readonly #endpoints = new Map<string, Endpoint>();
  /** For the requests that another listener may still take. */
  readonly #timers = new Set<Timer>();
  /** Undoes the changes to the server. */
  #restore: () => void = () => {};

  static of(server: Server): UpgradeSwitch {
    const known = switches.get(server) ?? new UpgradeSwitch(server);
    switches.set(server, known);
    return known;
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws LocalError `MISUSE` if the path already has an endpoint */
  add(endpoint: Endpoint): void {
    const { path } = endpoint;
    if (this.#endpoints.has(path)) {
      throw new LocalError("MISUSE", `this server already has an endpoint at ${path}`);
    }
    if (this.#endpoints.size === 0) this.#install();
    this.#endpoints.set(path, endpoint);
  }

  remove(endpoint: Endpoint): void {
    if (this.#endpoints.get(endpoint.path) !== endpoint) return;
    this.#endpoints.delete(endpoint.path);
    if (this.#endpoints.size > 0) return;
    this.#restore();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #install(): void {
    const server = this.#server;
    // Ahead of the other listeners, so that the socket is guarded before any of them can fail.
    server.prependListener("upgrade", this.#onUpgrade);
    server.on("request", this.#onRequest);
    const { emit } = server;
    const ours = new Proxy(emit, {
      apply: (target, self, args: unknown[]) => {
        const [event, ...rest] = args;
        // Many handlers answer on every path; their answer would end up inside our connection.
        if (event !== "upgrade" || !this.#isOurs(rest[0])) return Reflect.apply(target, self, args);
        Reflect.apply(this.#onUpgrade, undefined, rest);
        return true;
      },
    });
    server.emit = ours;
    const unfilter = this.#filterUpgrades();
    this.#restore = () => {
      server.off("upgrade", this.#onUpgrade);
      server.off("request", this.#onRequest);
      // If somebody wrapped `emit` after us, they still call ours, which then passes everything on.
      if (server.emit === ours) server.emit = emit;
      unfilter();
    };
  }

  /**
   * Because we listen for upgrades, Node would divert every request that mentions one from the site, such as the `h2c` that some
   * HTTP clients offer with each request. Newer versions (22.21, 24.9) let us say which of them are upgrades.
   */
  #filterUpgrades(): () => void {
    const server = this.#server;
    if (!decidesUpgrades(server)) return () => {};
    const original = server.shouldUpgradeCallback;
    const ours = new Proxy(original, {
      apply: (target, self, args: unknown[]) => {
        const [request] = args;
        if (this.#isOurs(request)) return isWebSocket(request);
        return this.#hasOthers("upgrade") && Reflect.apply(target, self, args);
      },
    });
    server.shouldUpgradeCallback = ours;
    return () => {
      if (server.shouldUpgradeCallback === ours) server.shouldUpgradeCallback = original;
    };
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const endpoint = this.#endpoints.get(pathOf(request));
    if (endpoint !== undefined) return endpoint.upgrade(request, socket, head);
    guard(socket);
    if (this.#hasOthers("upgrade")) this.#awaitTaker(socket);
    else refuseUpgrade(socket, 404);
  };

  /** Refuses a request that is not an upgrade, unless the server has a site to answer it (R-4.1-2). */
  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#hasOthers("request")) return;
    const wrong = request.method === "GET" ? 426 : 405;
    refuseRequest(response, this.#isOurs(request) ? wrong : 404);
  };

  /** Leaves the socket to the other listeners, and answers 404 if none of them has taken it in time. */
  #awaitTaker(socket: Duplex): void {
    const endpoints = [...this.#endpoints.values()];
    const patient = endpoints.reduce((a, b) => (b.upgradeTimeout > a.upgradeTimeout ? b : a));
    const before = writtenBytes(socket);
    const timer = patient.clock.after(patient.upgradeTimeout, () => {
      this.#timers.delete(timer);
      if (!isTaken(socket, before)) refuseUpgrade(socket, 404);
    });
    this.#timers.add(timer);
    socket.once("close", () => {
      this.#timers.delete(timer);
      timer.cancel();
    });
  }

  #isOurs(request: unknown): request is IncomingMessage {
    return request instanceof IncomingMessage && this.#endpoints.has(pathOf(request));
  }

  #hasOthers(event: "upgrade" | "request"): boolean {
    return this.#server.listenerCount(event) > 1;
  }
}

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** The path that a request names, without its query. */
function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

interface UpgradeDecision {
  shouldUpgradeCallback: (request: IncomingMessage) => boolean;
}

/** Node stores the option of this name, or its default, on the server. */
function decidesUpgrades(server: Server): server is Server & UpgradeDecision {
  return "shouldUpgradeCallback" in server && typeof server.shouldUpgradeCallback === "function";
}
