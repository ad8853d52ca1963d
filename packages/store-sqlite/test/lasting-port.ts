import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems hand out by themselves: Linux from 32768, others from 49152. */
const RANGE = { from: 10_000, to: 32_000 };

/** A free port for a server that is killed and restarted: meanwhile the system gives it to nobody else. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
