import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";

/** What one process asks another over a local socket. */
export interface LocalRequest {
  readonly do: "cancel";
  readonly reason?: string;
}

/** The answer; an error is passed on as the runtime reported it. */
export type LocalAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The longest path of a Unix socket that every system accepts, in bytes. */
const LONGEST = 100;

/** A socket on which processes of this user, and nobody else, can ask something. */
export class LocalSocket implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;
  /** Connections whose request is not complete yet. */
  readonly #asking: ReadonlySet<Socket>;
  /** The directory created for this socket alone. */
  readonly #own: string | undefined;

  private constructor(
    path: string,
    server: Server,
    asking: ReadonlySet<Socket>,
    own: string | undefined,
  ) {
    this.path = path;
    this.#server = server;
    this.#asking = asking;
    this.#own = own;
  }

  /**
   * @param directory one that nobody else can enter
   * @param name of the socket in it; if the path is too long, the socket is in a directory of its own elsewhere
   */
  static async open(
    directory: string,
    name: string,
    answer: (request: LocalRequest) => Promise<LocalAnswer>,
  ): Promise<LocalSocket> {
    const pipe = pipePath(directory, name);
    const isLong = pipe === undefined && Buffer.byteLength(join(directory, name)) > LONGEST;
    const own = isLong ? await mkdtemp(join(tmpdir(), "arcp-")) : undefined;
    const path = pipe ?? join(own ?? directory, name);
    const asking = new Set<Socket>();
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      void serve(socket, asking, answer).catch(() => socket.destroy());
    });
    server.listen(path);
    await once(server, "listening");
    return new LocalSocket(path, server, asking, own);
  }

  /** Whether a process listens there, or seems to: a suspended one counts. */
  static async isAlive(path: string): Promise<boolean> {
    const socket = createConnection(path);
    try {
      await once(socket, "connect");
      return true;
    } catch (error) {
      return !isGone(error);
    } finally {
      socket.destroy();
    }
  }

  /**
   * @returns undefined if no process listens there (any more)
   * @throws the signal's reason if it aborts first
   */
  static async ask(
    path: string,
    request: LocalRequest,
    signal: AbortSignal,
  ): Promise<LocalAnswer | undefined> {
    const socket = createConnection({ path, signal });
    try {
      await once(socket, "connect");
      // No half of a named pipe can be ended by itself, so the end of the request is that of its line.
      socket.write(`${JSON.stringify(request)}\n`);
      const answer = await text(socket);
      return answer === "" ? undefined : (JSON.parse(answer) as LocalAnswer);
    } catch (error) {
      signal.throwIfAborted();
      if (isGone(error)) return undefined;
      throw error;
    } finally {
      socket.destroy();
    }
  }

  /** Everybody who has asked is answered first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#asking) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
    if (this.#own !== undefined) await rm(this.#own, { recursive: true, force: true });
  }
}

/**
 * Windows has no sockets in directories, but named pipes, which others of its users can read but not write: they can ask nothing.
 *
 * @returns undefined on other systems
 */
export function pipePath(
  directory: string,
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  return platform === "win32" ? `\\\\.\\pipe\\arcp-${basename(directory)}-${name}` : undefined;
}

/** A peer that only checks whether somebody listens sends no request. */
async function serve(
  socket: Socket,
  asking: Set<Socket>,
  answer: (request: LocalRequest) => Promise<LocalAnswer>,
): Promise<void> {
  asking.add(socket);
  const asked = await firstLine(socket).finally(() => asking.delete(socket));
  if (asked !== undefined) {
    socket.write(JSON.stringify(await answer(JSON.parse(asked) as LocalRequest)));
  }
  socket.destroySoon();
}

/** @returns undefined if the peer ends before */
async function firstLine(socket: Socket): Promise<string | undefined> {
  let read = "";
  for await (const piece of socket.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    read += piece;
    const end = read.indexOf("\n");
    if (end >= 0) return read.slice(0, end);
  }
  return undefined;
}

function isGone(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return ["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE"].includes(String(error.code));
}
