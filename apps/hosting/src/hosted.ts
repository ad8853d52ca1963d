import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

/** A sample that runs in a process of its own, on a free port. */
export class Hosted implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #said: string[];

  private constructor(child: ChildProcess, said: string[], port: number) {
    this.#child = child;
    this.#said = said;
    this.port = port;
  }

  /** Resolves once it listens; rejects if it ends before. */
  static async start(name: string): Promise<Hosted> {
    const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    const env = { ...process.env, PORT: "0" };
    const child = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "pipe"] });
    const said: string[] = [];
    const port = await new Promise<number>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        said.push(`${chunk}`);
        const ready = /ready .*port: (\d+)/s.exec(said.join(""))?.[1];
        if (ready !== undefined) resolve(Number(ready));
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", (code) => reject(new Error(`ended with ${code}: ${said.join("")}`)));
    });
    return new Hosted(child, said, port);
  }

  /** Everything that it has printed. */
  get said(): string {
    return this.#said.join("");
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What a page of the site says. */
  async page(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** Requests an upgrade, and resets the connection once the server has read the request. */
  async reset(path: string): Promise<void> {
    const socket = connect(this.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    const request =
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";
    await new Promise<void>((done) => socket.write(request, () => done()));
    // The server answers this one after it has read that.
    await this.page("/hello");
    socket.resetAndDestroy();
    await once(socket, "close");
  }

  /** Asks it to end. @returns its exit code */
  async end(): Promise<number | null> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [code] = await ended;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
