// A runtime whose jobs get credentials, in a process to be killed: `serve-credentials.ts FILE PORT UPSTREAM LOG`.
import { ArcpError } from "@arcp/core";
import { createRuntime, defineAgent, type Provisioner, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { pino } from "pino";
import { sqliteStore } from "../src/index.ts";

const [file = ":memory:", port = "0", upstream = "", log = ""] = process.argv.slice(2);

async function ask(path: string, alias: string, signal: AbortSignal): Promise<object> {
  const response = await fetch(upstream + path, {
    method: "POST",
    body: JSON.stringify({ alias }),
    signal,
  });
  if (response.status === 409) throw new ArcpError("BUDGET_EXHAUSTED", "no more");
  if (!response.ok) throw new Error(`the upstream said ${await response.text()}`);
  return (await response.json()) as object;
}

const provisioner: Provisioner = {
  async issue({ alias, signal }) {
    const { value } = (await ask("/issue", alias, signal)) as { value: string };
    return { value, endpoint: "https://llm.example/v1" };
  },
  async revoke(alias, signal) {
    return ((await ask("/revoke", alias, signal)) as { found: boolean }).found;
  },
};

/** How a job ends, as far as its agent decides. */
type How = "success" | "error" | "rotate" | "delegate" | "forever";

/** Uses its credentials as carelessly as an agent may. */
const careless = defineAgent<How>({
  name: "careless",
  async run(ctx, how) {
    const held = (): string => [...ctx.credentials.values()].map(({ value }) => value).join(" ");
    await ctx.log.info(`my keys are ${held()}`, { keys: held().split(" ") });
    await ctx.tools.call("echo", { keys: held() });
    await ctx.checkpoint({ keys: held() });
    if (how === "error") throw new Error(`401 Incorrect API key provided: ${held()}`);
    if (how === "rotate") {
      const rotated = runtime.credentials.rotate(ctx.job.id).catch(() => {});
      // Half of the time the job ends while the new credential is being made.
      if (Math.random() < 0.5) await rotated;
      await ctx.log.info(`now they are ${held()}`);
    }
    if (how === "delegate") {
      const lease = { "tool.call": ["echo"] };
      await ctx.delegate("careless", "forever", { lease }).catch(() => {});
    }
    if (how === "forever") await new Promise(() => {});
    return { keys: held() };
  },
});

/** Ends in the process after the one that it began in, with other keys. */
const persistent = defineAgent({
  name: "persistent",
  attempts: 3,
  async run(ctx) {
    const keys = [...ctx.credentials.values()].map(({ value }) => value);
    await ctx.log.info(`attempt ${ctx.attempt} with ${keys.join(" ")}`);
    if (ctx.attempt === 1) await new Promise(() => {});
    return keys;
  },
});

const runtime = createRuntime({
  agents: [careless, persistent],
  auth: tokenTable({ secret: "alice", other: "bob" }),
  tools: { echo: (args) => args },
  policy: { mayObserve: () => true },
  provisioners: { llm: provisioner, search: provisioner },
  limits: { provisionerSec: 0.5, credentialDoubtSec: 3, cancelGraceSec: 0.05 },
  store: sqliteStore(file),
  logger: pino({ level: "trace" }, pino.destination({ dest: log, sync: true })),
});
const server = await listen({ port: Number(port) }, (transport, peer) =>
  runtime.serve(transport, peer),
);
console.log(server.url);
// Every line asks to retry what could not be revoked, and is answered with what is outstanding.
process.stdin.on("data", () => {
  runtime.credentials.retry();
  console.log(runtime.credentials.list().length);
});
process.stdin.on("end", () => process.exit());
