// What those who have no token can make a server hold: `soak strangers [sockets]`. Each attack goes against a server of its own,
// in a process of its own. It fails when one costs more memory than the guide on limits says.
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createRuntime, defineAgent } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { amount } from "../../../scripts/soak-arguments.ts";
import { strangerAttacks } from "../test/stranger-attacks.ts";

/** The most that one connection may hold, in bytes, and what it may take beside that. */
const HELD = 400 * 1024;

/** The first message is the port, every other one the bytes in use, after a collection. */
type Told = number;

if (process.send === undefined) await besiege(amount(process.argv[2], 300));
else await serve();

async function serve(): Promise<void> {
  const hello = defineAgent({ name: "hello", run: async () => "hello" });
  // Nobody ever learns whether the token is right.
  const runtime = createRuntime({ agents: [hello], auth: () => new Promise<undefined>(() => {}) });
  const server = await listen({ port: 0 }, (transport) => runtime.serve(transport));
  process.send?.(Number(new URL(server.url).port) satisfies Told);
  process.on("message", () => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    process.send?.((heapUsed + arrayBuffers) satisfies Told);
  });
}

async function besiege(count: number): Promise<void> {
  for (const [name, attack] of Object.entries(strangerAttacks)) {
    const server = fork(new URL(import.meta.url), { execArgv: ["--expose-gc", "--no-warnings"] });
    const told = async (): Promise<Told> => Number((await once(server, "message"))[0]);
    const used = (): Promise<Told> => {
      server.send("how much?");
      return told();
    };
    const port = await told();
    const before = await used();
    const sockets = Array.from({ length: count }, () => open(port));
    let over = false;
    const done = Promise.all(sockets.map(attack)).then(() => {
      over = true;
    });
    let peak = before;
    while (!over) {
      peak = Math.max(peak, await used());
      await Promise.race([pause(250), done]);
    }
    peak = Math.max(peak, await used());
    const each = Math.round((peak - before) / count);
    console.log(`${name}: ${count} sockets hold at most ${Math.ceil(each / 1024)} KiB each`);
    if (each > HELD) {
      console.error(`WRONG: that is more than ${HELD / 1024} KiB`);
      process.exitCode = 1;
    }
    for (const socket of sockets) socket.destroy();
    server.kill();
    await once(server, "exit");
  }
}

function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  socket.on("error", () => {});
  return socket.resume();
}
