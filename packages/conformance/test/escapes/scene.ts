import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { house } from "../raw-house.ts";
import type { Message } from "../raw-socket.ts";
import { type Outcome, trespasser } from "../trespasser.ts";
import { type Escape, FEATURES } from "./escape.ts";

/** What no frame may hold: it stands in every file that no lease covers. */
export const SECRET = "top-secret";

/** What came of a try, as its client saw it and as the agent did. */
export interface Aftermath {
  /** Of every attempt of the job and its descendants, in order. */
  readonly outcomes: readonly Outcome[];
  readonly frames: readonly Message[];
  /** The tools that ran, by name. */
  readonly ran: readonly string[];
}

/** A runtime behind a port, with an agent that goes where it should not, and something to find there. */
export async function openScene() {
  const root = await mkdtemp(join(tmpdir(), "arcp-escape-"));
  await furnish(root);
  const ran: string[] = [];
  const outcomes = new Map<string, Outcome[]>();
  let gate = Promise.withResolvers<void>();
  const home = await house({
    workspace: join(root, "work"),
    endJobsAtExpiry: false,
    tools: {
      "ocr.page": () => ran.push("ocr.page"),
      "shell.run": () => ran.push("shell.run"),
    },
    agents: [
      trespasser(
        (job, outcome) => outcomes.set(job, [...(outcomes.get(job) ?? []), outcome]),
        () => home.clock.now(),
        () => gate.promise,
      ),
    ],
  });
  return {
    home,
    /** The files and directories that there are, for seeing that none was made. */
    async tree() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
    },

    /** Lets a client submit a job that tries it. */
    async attempt(tried: Escape): Promise<Aftermath> {
      const { lease, allowed, tries, expiresInSec, meanwhile } = tried;
      gate = Promise.withResolvers();
      ran.length = 0;
      const socket = await home.greeted(FEATURES);
      const at = expiresInSec && new Date(home.clock.now() + expiresInSec * 1000).toISOString();
      const request = {
        input: [...allowed, ...tries],
        lease_request: lease,
        ...(at && { lease_constraints: { expires_at: at } }),
      };
      const { agent, ...rest } = JSON.parse(
        JSON.stringify({ agent: "trespasser", ...request })
          .replaceAll("$W", join(root, "work"))
          .replaceAll("$R", root),
      );
      const reply = await socket.submit(agent, rest);
      if (reply["type"] !== "job.accepted") throw new Error(JSON.stringify(reply["payload"]));
      const { job_id: id } = reply;
      if (meanwhile !== undefined) {
        await socket.find(({ payload }) => payload.kind === "thought");
        if (meanwhile === "cancel") await socket.request("job.cancel", { job_id: id });
        else home.clock.advance(60_000);
        gate.resolve();
      }
      await socket.find((m) => m["job_id"] === id && /^job\.(result|error)$/.test(m["type"]));
      await socket.leave();
      const jobs = socket.received.filter(({ type }) => type === "job.accepted");
      return {
        outcomes: jobs.flatMap((job) => outcomes.get(job["job_id"]) ?? []),
        frames: socket.received,
        ran: [...ran],
      };
    },

    /** Submits with these members, as JSON text. @returns the answer */
    async submit(features: readonly string[], members: string): Promise<Message> {
      const socket = await home.greeted(features);
      const { session } = socket;
      const payload = `{"agent":"trespasser","input":[],${members}}`;
      socket.sendRaw(
        `{"arcp":"1.1","id":"req_s","type":"job.submit","session_id":"${session}","payload":${payload}}`,
      );
      const reply = await socket.reply("req_s");
      await socket.leave();
      return reply;
    },

    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}

async function furnish(root: string): Promise<void> {
  const work = join(root, "work");
  await mkdir(join(work, "sub", "more"), { recursive: true });
  await mkdir(join(root, "work-evil"));
  const files = { "work/open.txt": "open", "work/sub/deep.txt": "deep" };
  const secrets = ["secret.txt", "work-evil/secret.txt", "work/sub/more/deeper.txt"];
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  for (const name of secrets) await writeFile(join(root, name), SECRET);
  const links = {
    "file-link": join(root, "secret.txt"),
    "out-link": "..",
    "link-link": "file-link",
    "root-link": "/",
    "loop-link": "loop-link",
    "inner-link": "sub",
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(work, name));
}
