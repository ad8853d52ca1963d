// Follows "Your own agent in ten minutes" in the repository's README, in a directory outside the repository, kills included.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Page, page } from "@arcp/docs/page";
import { root } from "@arcp/docs/repository";
import { command } from "../src/command.ts";
import { Shell } from "../src/shell.ts";
import { Temporary } from "../src/temporary.ts";

const [, section = ""] =
  /^## Your own agent in ten minutes\n(.*?)^## /ms.exec(page("README.md").text) ?? [];
const { blocks } = new Page("README.md", section);
const agent = blocks.find(({ info }) => info === "ts")?.code ?? "";
const [make, serve, submit, killed, watch, rest] = blocks
  .filter(({ info }) => info === "sh")
  .map(({ code }) => code);
assert.ok(
  make && serve && submit && killed && watch && rest,
  "the section has six blocks of commands",
);
assert.equal(killed, `kill -9 %%\n${serve}`);

// Whoever runs this may have a runtime of their own configured.
for (const name of ["ARCP_URL", "ARCP_TOKEN", "ARCP_PROFILE"]) delete process.env[name];

using temporary = new Temporary();
const cwd = join(temporary.path, "my-agents");
await command("bash", ["-ec", make.replaceAll("../my-agents", cwd)], root);
writeFileSync(join(cwd, "translate.ts"), agent);

/** Keeps the user's own state and settings out of it. */
const env = { XDG_STATE_HOME: temporary.path, XDG_CONFIG_HOME: temporary.path };
await using first = new Shell(`${serve.trim()} --port 0`, cwd, env);
const [, url = "", token = ""] = await first.until(/export ARCP_URL=(\S+) ARCP_TOKEN=(\S+)/);
const mine = { ...env, ARCP_URL: url, ARCP_TOKEN: token };

await using client = new Shell(submit.replace("60", "9"), cwd, mine);
const [, job = ""] = await client.until(/(job_\w+) translate\n.*progress 2\/9 pages/s);
await first.kill();
await using _second = new Shell(`${serve.trim()} --port ${new URL(url).port}`, cwd, env);
await client.until(/reconnected/);
await client.until(/attempt 2.*progress 4\/9 pages/s);
await client.kill();

await using watching = new Shell(watch, cwd, mine);
await using looking = new Shell(watch, cwd, mine);
for (const shell of [watching, looking]) {
  const [told] = await shell.until(/.*✔ job_\w+ succeeded\n.*\n}\n/s);
  const pages = [...told.matchAll(/progress (\d+)\/9/g)].map(([, count]) => Number(count));
  assert.deepEqual(pages, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.match(told, /"USD": "1.73"/);
}

const [little = "", ...others] = rest.trim().split("\n");
await using poor = new Shell(little, cwd, mine);
await poor.until(/progress 2\/9.*BUDGET_EXHAUSTED/s);
await using last = new Shell(others.join("\n").replace("JOB", job), cwd, mine);
await last.until(/^job_\w+ +success .*\n^job_\w+ +error .*\n/m);
assert.equal(await last.code, 0);
assert.match(await command("cat", ["result.json"], cwd), /"pages": 9/);
console.log("a new agent was served and killed, and continued within its budget");
