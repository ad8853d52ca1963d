import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { arcp, Playing, scratch } from "../../test/played.ts";
import { ownVersion } from "../versions.ts";

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("the starter serves as it is, stays within its budget, and its client follows a job", async () => {
  await using place = await scratch();
  const made = await arcp(["new", "My Agents"], { cwd: place.path });
  expect(made).toEqual({
    code: 0,
    err: ownVersion() === "0.0.0" ? expect.stringContaining("is not in a registry") : "",
    out: `Created My Agents: .gitignore README.md agents.ts client.ts package.json tsconfig.json

  cd 'My Agents'
  npm install
  npm start
`,
  });
  const cwd = join(place.path, "My Agents");
  const manifest = JSON.parse(await readFile(join(cwd, "package.json"), "utf8"));
  expect(manifest.name).toBe("my-agents");
  // What npm install would add.
  await symlink(root("node_modules"), join(cwd, "node_modules"));

  const start = manifest.scripts.start.split(" ").slice(1);
  const served = new Playing([...start, "--port", "0"], { cwd });
  await served.until(/export .*\n/);
  const [, url = "", token = ""] = /ARCP_URL=(\S+) ARCP_TOKEN=(\S+)/.exec(served.out) ?? [];
  const [command, ...args] = manifest.scripts.client.split(" ");
  expect(command).toBe("node");
  const env = { ...process.env, ARCP_URL: url, ARCP_TOKEN: token };
  const play = promisify(execFile)(process.execPath, args, { cwd, env });
  {
    await using client = await connect(dial(url), { token });
    const lease = { "cost.budget": ["USD:0.50"] };
    const job = await client.submit("research", { topic: "owls" }, { lease });
    await expect(job.result()).rejects.toMatchObject({ code: "BUDGET_EXHAUSTED" });
    expect(job.progress).toMatchObject({ current: 3, total: 5 });
  }
  const { stdout, stderr } = await play;
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^job_\w+ may spend 1.00 USD\n0 of 5\nanswered question 1\n1 of 5\n/);
  expect(stdout).toMatch(/\n5 of 5\n5 answers, 0.25 USD left\n$/);
  served.interrupt();
  expect(await served.done).toMatchObject({ code: 0, err: "" });
});

test("the starter takes our packages at the command's versions, and the others at those it is tested with", async () => {
  await using place = await scratch();
  await arcp(["new", "."], { cwd: place.path });
  const { dependencies, devDependencies } = JSON.parse(
    await readFile(join(place.path, "package.json"), "utf8"),
  );
  const { zod, ...own } = dependencies;
  expect(own).toEqual(
    Object.fromEntries(
      ["cli", "client", "core", "runtime", "transport-ws"].map((name) => [
        `@arcp/${name}`,
        `^${ownVersion()}`,
      ]),
    ),
  );
  const catalog = await readFile(root("../../pnpm-workspace.yaml"), "utf8");
  for (const [name, range] of Object.entries({ zod, ...devDependencies })) {
    const tested = new RegExp(`^  "?${name}"?: \\^?(.+)$`, "m").exec(catalog)?.[1];
    expect([name, range]).toEqual([name, `^${tested}`]);
  }
});

test("the starter is created in a new or empty directory, and in no other", async () => {
  await using place = await scratch();
  await mkdir(join(place.path, "empty"));
  expect(await arcp(["new", "empty"], { cwd: place.path })).toMatchObject({ code: 0 });
  for (const [name, line] of [
    ["empty", "arcp: empty is not empty: choose another directory\n"],
    ["file", "arcp: file cannot be written: EEXIST: "],
  ] as const) {
    await writeFile(join(place.path, "file"), "mine");
    const { code, out, err } = await arcp(["new", name], { cwd: place.path });
    expect(err).toContain(line);
    expect([code, out, err.match(/\n/g)?.length]).toEqual([2, "", 1]);
  }
  expect(await readdir(join(place.path, "empty"))).toHaveLength(6);
  expect((await arcp(["new"])).err).toContain("arcp: missing required argument 'directory'");
});
