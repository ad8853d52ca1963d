import type { Dirent } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { house } from "../raw-house.ts";
import type { Message, RawSocket } from "../raw-socket.ts";
import { type Answer, site } from "../site.ts";
import { type Outcome, trespasser } from "../trespasser.ts";
import { type Escape, FEATURES } from "./escape.ts";
import { redirects } from "./urls.ts";

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
  const elsewhere = await site();
  const answers = Object.entries(redirects).map(([path, to]): [string, Answer] => [
    path,
    [302, to.replace("$E", elsewhere.origin)],
  ]);
  const open = await site(Object.fromEntries(answers));
  const places: ReadonlyArray<readonly [string, string]> = [
    ["$W", join(root, "work")],
    ["$R", root],
    ["$O", open.origin],
    ["$E", elsewhere.origin],
    ["$P", `${open.port}`],
  ];
  const ran: string[] = [];
  const outcomes = new Map<string, Outcome[]>();
  let gate = Promise.withResolvers<void>();
  const home = await house({
    workspace: join(root, "work"),
    endJobsAtExpiry: false,
    // By million.
    models: {
      "mistral/large-3": { input: { USD: "2" } },
      "openai/gpt-9": { input: { USD: "9" } },
    },
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
    /** What there is in the house, each with what it holds, for seeing that nothing was made or changed. */
    async inventory(): Promise<readonly string[]> {
      const held = (await below(root)).map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return `${path}: ${entry.isFile() ? await readFile(path, "utf8") : ""}`;
      });
      return (await Promise.all(held)).sort();
    },
    /** Requests that should not have been sent. */
    strayRequests: () => [
      ...elsewhere.received,
      ...open.received.filter(({ url }) => !url.startsWith("/open/")),
    ],

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
      const text = places.reduce(
        (all, [name, place]) => all.replaceAll(name, place),
        JSON.stringify(request),
      );
      const reply = await socket.submit("trespasser", JSON.parse(text));
      if (reply["type"] !== "job.accepted") throw new Error(JSON.stringify(reply["payload"]));
      const { job_id: id } = reply;
      if (meanwhile !== undefined) {
        await socket.find(({ payload }) => payload.kind === "thought");
        if (meanwhile === "cancel") await socket.request("job.cancel", { job_id: id });
        else home.clock.advance(60_000);
        gate.resolve();
      }
      await ended(socket, id);
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
      await Promise.all([open, elsewhere].map((each) => each[Symbol.asyncDispose]()));
      await rm(root, { recursive: true });
    },
  };
}

/** Awaits the ends of a job and of all that it delegated, in whatever order they are told. */
async function ended(socket: RawSocket, id: string): Promise<void> {
  const running = new Set([id]);
  for (let read = 0; running.size > 0; read++) {
    const { type, job_id, payload } = await socket.find(() => true, read);
    const child = payload.kind === "delegate" ? payload.body.child_job_id : undefined;
    if (child !== undefined) running.add(child);
    if (type === "job.result" || type === "job.error") running.delete(job_id);
  }
}

async function furnish(root: string): Promise<void> {
  const work = join(root, "work");
  await mkdir(join(work, "sub", "more"), { recursive: true });
  await mkdir(join(work, "out"));
  await mkdir(join(root, "work-evil"));
  const files = {
    "work/open.txt": "open",
    "work/sub/deep.txt": "deep",
    "work/out/a.txt": "written",
  };
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
    "out/file-link": join(root, "secret.txt"),
    "out/up-link": "..",
    "out/new-link": join(root, "new.txt"),
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(work, name));
}

/** What there is below a directory, with the links themselves: the recursive `readdir` of Node 26 follows them. */
async function below(directory: string): Promise<Dirent[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const directories = entries.filter((entry) => entry.isDirectory());
  const deeper = directories.map(({ name }) => below(join(directory, name)));
  return [...entries, ...(await Promise.all(deeper)).flat()];
}
