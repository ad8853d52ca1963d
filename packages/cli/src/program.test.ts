import { spawn, spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { readFile } from "node:fs/promises";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { arcp } from "../test/played.ts";
import { Site } from "../test/site.ts";
import { run } from "./program.ts";

const bin = fileURLToPath(new URL("../bin/arcp.js", import.meta.url));

test("--version says what runs here, and from where", async () => {
  const { code, out, err } = await arcp(["--version"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out.replaceAll("\\", "/")).toMatch(
    /^@arcp\/cli +\d\S* +(?:[A-Z]:)?\/\S*packages\/cli\n@arcp\/runtime +\d\S* +(?:[A-Z]:)?\/\S*packages\/runtime\nprotocol +ARCP 1\.1 +@arcp\/core\nNode +\d\S+ +(?:[A-Z]:)?\/\S+\n$/,
  );
});

test("--help names every command, and fits the terminal", async () => {
  const { code, out } = await arcp(["--help"], { columns: 60, env: { NO_COLOR: "1" } });
  expect(code).toBe(0);
  expect(out).toMatch(/^ {2}conformance /m);
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
});

test("a command's help is the same, however it is asked for", async () => {
  const { code, out } = await arcp(["submit", "--help"]);
  expect([code, out]).toEqual([0, expect.stringContaining("Usage: arcp submit [options] <agent>")]);
  expect(await arcp(["help", "submit"])).toEqual({ code, out, err: "" });
});

test("neither the help nor the version loads what the commands need", () => {
  const watch = `import { registerHooks } from "node:module";
    const load = (url, context, next) => (console.log(url), next(url, context));
    registerHooks({ load });`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(watch)}`];
  for (const flag of ["--help", "--version"]) {
    const { status, stdout } = spawnSync(process.execPath, [...args, bin, flag], {
      encoding: "utf8",
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining("dist/program.js")]);
    expect(stdout).not.toMatch(/packages\/(client|runtime|conformance|transport-ws)\/dist|pino/);
  }
});

test.each([
  [["conformence"], "arcp: unknown command 'conformence' (Did you mean conformance?)\n"],
  [["--fast"], "arcp: unknown option '--fast': see `arcp --help`\n"],
  [["jobs", "--fast"], "arcp: unknown option '--fast': see `arcp jobs --help`\n"],
  [["juggle"], "arcp: unknown command 'juggle': see `arcp --help`\n"],
  [["help", "sevre"], "arcp: unknown command 'sevre' (Did you mean serve?)\n"],
  [
    ["submit"],
    "arcp: missing required argument 'agent': usage is `arcp submit [options] <agent> [input]`\n",
  ],
  [["jobs", "x"], "arcp: too many arguments for 'jobs': usage is `arcp jobs [options]`\n"],
])("wrong usage takes one line, and exits with 2: %s", async (args, err) => {
  expect(await arcp(args)).toEqual({ code: 2, out: "", err });
});

test("wrong usage of a command started by npx quotes what to type there", async () => {
  const env = { npm_execpath: "/npm" };
  expect((await arcp(["juggle"], { env })).err).toContain(": see `npx arcp --help`\n");
  expect((await arcp(["watch", "a", "b"], { env })).err).toContain(": usage is `npx arcp watch ");
});

test("a current directory that was removed is reported, and exits with 2", async () => {
  using _gone = vi.spyOn(process, "cwd").mockImplementation(() => {
    throw Object.assign(new Error("ENOENT: process.cwd failed"), { code: "ENOENT" });
  });
  expect(await arcp(["jobs"])).toEqual({
    code: 2,
    out: "",
    err: "arcp: the current directory no longer exists: change to one that does\n",
  });
});

test("every command reports faults of the runtime, the token or the job alike", async () => {
  await using site = await Site.open();
  const commands = [["agents"], ["jobs"], ["jobs", "--follow"], ["submit", "echo"]];
  const ofJobs = [
    ["watch", "job_none"],
    ["cancel", "job_none"],
    ["result", "job_none"],
  ];
  for (const args of [...commands, ...ofJobs]) {
    expect(await site.arcp(...args, "--url=ws://127.0.0.1:9/arcp")).toEqual({
      code: 4,
      out: "",
      err: "arcp: nothing listens at ws://127.0.0.1:9/arcp: start a runtime with `arcp serve`, or pass --url\n",
    });
    expect(await site.arcp(...args, "--token=wrong")).toEqual({
      code: 2,
      out: "",
      err: expect.stringMatching(/^arcp: the token was refused: .+; pass --token, .+\n$/),
    });
  }
  for (const args of ofJobs) {
    expect(await site.arcp(...args)).toEqual({
      code: 2,
      out: "",
      err: "arcp: there is no such job; `arcp jobs` lists yours (JOB_NOT_FOUND)\n",
    });
  }
});

test("a reader that stops reading ends the command silently, and not the job", async () => {
  await using site = await Site.open();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const done = run(["submit", "counting"], { stdout, stderr, env: site.env });
  await once(stdout, "data");
  stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  expect(await done).toBe(141);
  expect(String(stderr.read())).toMatch(/^arcp: to return: `arcp watch job_\w+`\n$/);
  const watching = site.play(["watch"]);
  await watching.until(/running/);
  site.counting.end();
  expect((await watching.done).code).toBe(0);
});

test("an output that cannot be written is reported with the reason", async () => {
  await using site = await Site.open();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const done = run(["submit", "deaf"], { stdout, stderr, env: site.env });
  await once(stdout, "data");
  const full = new Error("ENOSPC: no space left on device, write");
  stdout.emit("error", Object.assign(full, { code: "ENOSPC" }));
  expect(await done).toBe(141);
  // Some versions of Node read it piece by piece, others all at once.
  expect(await text(stderr.end())).toMatch(
    /^arcp: the output cannot be written: ENOSPC: no space left on device, write\narcp: to return: .*\n$/,
  );
});

test.each(["--version", "--help", "submit --help", "completion bash"])(
  "an output that fails only after the command has ended is reported as well: %s",
  async (line) => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => void setImmediate(done, new Error("ENOSPC: no space")),
    });
    const stderr = new PassThrough();
    expect(await run(line.split(" "), { stdout, stderr, env: {} })).toBe(141);
    const told = "arcp: the output cannot be written: ENOSPC: no space\n";
    expect(await text(stderr.end())).toBe(told);
  },
);

test("an interrupt ends the wait for a reader who is slow", async () => {
  const stdout = new Writable({ write: () => {} });
  const [stderr, signals] = [new PassThrough(), new EventEmitter()];
  const done = run(["--version"], { stdout, stderr, signals, env: {} });
  while (stdout.writableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  signals.emit("SIGINT", "SIGINT");
  expect(await done).toBe(130);
});

// On Windows, a signal from another process ends this one unheard.
test.skipIf(process.platform === "win32")(
  "a reader that stops reading does not hold up an interrupted command",
  async () => {
    await using site = await Site.open();
    const env = { ...process.env, ...site.env };
    const child = spawn(process.execPath, [bin, "submit", "counting", "--json"], {
      env,
      stdio: "pipe",
    });
    using _killed = { [Symbol.dispose]: () => void child.kill("SIGKILL") };
    await once(child.stdout, "readable");
    site.counting.upTo(3_000);
    const beside = site.play(["watch"]);
    await beside.until(/number 3000\n/);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([130, null]);
    site.counting.end();
    await beside.done;
  },
);

test("a reader that misses the error still gets the exit code", async () => {
  const child = spawn(process.execPath, [bin, "watch", "--json=yes"], { stdio: "pipe" });
  child.stderr.destroy();
  child.stdout.resume();
  expect(await once(child, "exit")).toEqual([2, null]);
});

test("the README names every command and every flag, and no others", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const { out: help } = await arcp(["--help"]);
  const commands = [...help.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name = ""]) => name);
  expect(commands).toContain("submit");
  const flags = new Set(["--help", "--version"]);
  for (const command of commands) {
    expect(readme).toContain(`## \`arcp ${command}\``);
    const { out } = await arcp([command, "--help"]);
    for (const [flag] of out.matchAll(/--[a-z][\w-]*/g)) flags.add(flag);
  }
  const named = new Set([...readme.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([flag]) => flag));
  expect([...flags].filter((flag) => !named.has(flag))).toEqual([]);
  expect([...named].filter((flag) => !flags.has(flag))).toEqual([]);
});
