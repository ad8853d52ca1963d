// Issues and revokes keys in a process of its own, unreliably: `faulty-upstream.ts JOURNAL PORT`.
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { UpstreamState } from "./upstream-state.ts";

const [journal = "", port = "0"] = process.argv.slice(2);

/** What was done, in order; it is on the disk before it is answered, so a restart forgets nothing. */
type Entry = { readonly issued: string; readonly value: string } | { readonly revoked: string };

const alive = new Map<string, string>();
const values: Record<string, string> = {};
const revoked = new Set<string>();
const apply = (entry: Entry): void => {
  if ("issued" in entry) {
    alive.set(entry.issued, entry.value);
    values[entry.issued] = entry.value;
  } else if (alive.delete(entry.revoked)) revoked.add(entry.revoked);
};
const record = (entry: Entry): void => {
  appendFileSync(journal, `${JSON.stringify(entry)}\n`);
  apply(entry);
};
if (existsSync(journal)) {
  for (const line of readFileSync(journal, "utf8").split("\n").filter(Boolean)) {
    apply(JSON.parse(line) as Entry);
  }
}

/** How a request goes wrong, if at all. */
const faults = [
  "refuse",
  "fail",
  "fail late",
  "cut",
  "cut late",
  "delay",
  "delay",
  "hang",
] as const;
let calm = false;
const draw = () =>
  calm || Math.random() > 0.12 ? undefined : faults[Math.floor(Math.random() * faults.length)];

function act(path: string, alias: string): object {
  if (path === "/revoke") {
    const found = alive.has(alias);
    record({ revoked: alias });
    return { found };
  }
  if (alive.has(alias) || revoked.has(alias)) throw new Error(`${alias} was ordered twice`);
  const value = `sk-${randomBytes(24).toString("base64url")}`;
  record({ issued: alias, value });
  return { value };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const { url = "" } = request;
  if (url === "/calm") calm = true;
  if (url === "/calm" || url === "/state") {
    const state: UpstreamState = { alive: [...alive.keys()], values, revoked: [...revoked] };
    return answer(200, state);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { alias } = JSON.parse(Buffer.concat(chunks).toString()) as { alias: string };
  const fault = draw();
  if (fault === "refuse" && url === "/issue") return answer(409, {});
  if (fault === "fail" || fault === "refuse") return answer(500, {});
  if (fault === "cut") return void request.socket.destroy();
  // Carried out when nobody waits for it any more.
  if (fault === "delay") await pause(400 + 1_000 * Math.random());
  const done = act(url, alias);
  if (fault === "hang") return;
  if (fault === "cut late") return void request.socket.destroy();
  // It quotes a secret that it should not.
  if (fault === "fail late") return answer(500, { error: JSON.stringify(done) });
  answer(200, done);
}

const server = createServer((request, response) => void serve(request, response).catch(() => {}));
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on("end", () => process.exit()).resume();
