// Runs the packages on another Node, packed and installed with it in an empty project: on the version that is given, such as
// 26.10.0, or else the oldest that their `engines` promise. `test` does the cheap half for the oldest, without that Node: a
// source that uses something its JavaScript lacks does not compile (`lib` of tsconfig.base.json) or fails to lint (the globals
// in biome.json), and `release/src/oldest-node.test.ts` compares the promises.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "@arcp/docs/repository";
import { command } from "../src/command.ts";
import { importFaults } from "../src/import-trial.ts";
import { oldestNode } from "../src/oldest-node.ts";
import { Project } from "../src/project.ts";
import { Shell } from "../src/shell.ts";
import { packAll } from "../src/tarball.ts";
import { Temporary } from "../src/temporary.ts";

using packed = new Temporary();
const tarballs = await packAll(packed.path);
const oldest = oldestNode(tarballs.map(({ manifest }) => manifest));
const version = process.argv[2] ?? oldest;
using project = new Project(tarballs);
await project.install([...tarballs.map(({ name }) => name), `node@${version}`]);
const cwd = project.path;
cpSync(join(root, "release/node-trial"), cwd, { recursive: true });
cpSync(join(cwd, "agents.js"), join(cwd, "agents.ts"));

/** Its Node comes first on the path, so that it runs the commands as well. */
const env = {
  PATH: `${join(cwd, "node_modules/.bin")}${delimiter}${process.env["PATH"]}`,
  XDG_STATE_HOME: cwd,
  XDG_CONFIG_HOME: cwd,
};
assert.equal(await command("node", ["--version"], cwd, env), `v${version}\n`);
console.log(`Node ${version} is installed, with ${tarballs.length} packages`);

for (const tarball of tarballs) {
  assert.deepEqual(await importFaults(tarball, project), []);
  console.log(`${tarball.name}: every entry was imported`);
}
await useStdio();
await useCommands();
if (version === oldest) await refuseWhatIsNewer();
await playKit();
console.log(`the packages work on Node ${version}`);

/** All scenarios of the kit, against a durable runtime. */
async function playKit(): Promise<void> {
  await using runtime = new Shell("node durable-runtime.js", cwd, env);
  const [, url = ""] = await runtime.until(/ready at (\S+)\n/);
  const tokens = ["--token", "A", "--token2", "B"];
  const told = await command("arcp", ["conformance", url, ...tokens], cwd, env);
  const [verdict] = /.* requirements hold, nothing is broken.*/.exec(told) ?? [];
  assert.ok(verdict, told);
  console.log(`arcp conformance, on sqliteStore: ${verdict}`);
}

/** Two jobs: another process cancels one, and the other outlives its runtime. */
async function useCommands(): Promise<void> {
  const serve = "arcp serve agents.js --store arcp.db --port";
  await using first = new Shell(`${serve} 0`, cwd, env);
  const [, url = "", token = ""] = await first.until(/export ARCP_URL=(\S+) ARCP_TOKEN=(\S+)/);
  const mine = { ...env, ARCP_URL: url, ARCP_TOKEN: token };
  const arcp = async (...args: string[]) => {
    const told = await command("arcp", args, cwd, mine);
    console.log(`arcp ${args.join(" ")}: good`);
    return told;
  };

  const offered = objectsOf(await arcp("agents", "--json")).map(({ name }) => name);
  assert.deepEqual(offered, ["count", "wait"]);
  const lines = objectsOf(await arcp("submit", "count", "2", "--budget", "USD:1.00", "--json"));
  assert.equal(lines.at(0)?.["type"], "job");
  const end = lines.at(-1);
  assert.deepEqual([end?.["status"], end?.["result"]], ["success", { counted: 2 }]);
  const ended = String(end?.["job"]);
  assert.deepEqual(JSON.parse(await arcp("result", ended)), { counted: 2 });
  assert.match(await arcp("watch", ended), /✔ job_\w+ succeeded/);

  await using waiting = new Shell("arcp submit wait", cwd, mine);
  const [, waits = ""] = await waiting.until(/(job_\w+) wait\n.*running/s);
  await arcp("cancel", waits, "--reason", "enough");
  await waiting.until(/enough/);
  assert.equal(await waiting.code, 5);

  await using counting = new Shell("arcp submit count 8 --budget USD:1.00", cwd, mine);
  const [, counts = ""] = await counting.until(/(job_\w+) count\n.*2\/8/s);
  await using looking = new Shell(`arcp watch ${counts}`, cwd, mine);
  await looking.until(/2\/8/);
  await first.kill();
  await using _second = new Shell(`${serve} ${new URL(url).port}`, cwd, env);
  for (const shell of [counting, looking]) {
    await shell.until(/reconnected.*attempt 2.*8\/8.*✔ job_\w+ succeeded/s);
    assert.equal(await shell.code, 0);
  }
  console.log("arcp submit, arcp watch: outlived their runtime");
  const statuses = objectsOf(await arcp("jobs", "--json")).map(({ status }) => status);
  assert.deepEqual(statuses, ["success", "cancelled", "success"]);
  assert.match(await arcp("jobs"), /cancelled.*wait|wait.*cancelled/);
}

async function useStdio(): Promise<void> {
  const told = await command("node", ["stdio-client.js"], cwd, env);
  assert.equal(told, "1 of 2\n2 of 2\n{ counted: 2 }\n");
  console.log("a client of a child process: good");
}

/** Features that need a later Node say so. */
async function refuseWhatIsNewer(): Promise<void> {
  for (const args of [["agents.ts"], ["agents.js", "--watch"]]) {
    const refused = command("arcp", ["serve", ...args], cwd, env);
    await assert.rejects(refused, /needs Node 22\.\d+ or later/);
    console.log(`arcp serve ${args.join(" ")}: refused, because it needs a later Node`);
  }
}

function objectsOf(told: string): Readonly<Record<string, unknown>>[] {
  return told
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
