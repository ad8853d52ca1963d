import { EventEmitter, once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { ManualClock } from "@arcp/core";
import { defineAgent } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { afterAll, describe, expect, test } from "vitest";
import { Site } from "../../test/site.ts";
import { posixPath } from "../lease.ts";
import { run } from "../program.ts";

const site = await Site.open();
afterAll(() => site[Symbol.asyncDispose]());

/** The objects that were printed, one per line. */
function objects(out: string): any[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Replaces times of day, ids and durations by their form. */
function plain(out: string): string {
  return out
    .replace(/\d\d:\d\d:\d\d/g, "12:00:00")
    .replace(/job_\w+/g, "job_1")
    .replace(/ \d+ ms/g, " 1 ms");
}

const granted = ["--lease=tool.call=search", "--lease=agent.delegate=*", "--budget=USD:1.00"];

test("in a pipe it prints plain lines, without a byte that controls a terminal", async () => {
  const { code, out, err } = await site.arcp("submit", "talking", ...granted);
  expect([code, err]).toEqual([0, ""]);
  expect(plain(out)).toBe(`job_1 talking@2.0.0
12:00:00 running
12:00:00 reading all of it
12:00:00 warn  two
               lines {"file":"a.ts"}
12:00:00 thinks why not
12:00:00 → search {"query":"owls"}
12:00:00 ← search 1 ms ["a hit"]
12:00:00 → mail {}
12:00:00 ← mail 1 ms PERMISSION_DENIED tool.call does not cover mail; the lease grants search
12:00:00 progress 1/4 files a.ts
12:00:00 cost.model 0.25 USD
12:00:00 budget 0.75 USD left
12:00:00 artifact file:///report.pdf application/pdf, 2.0 kB
12:00:00 x-vendor.acme.mood {"mood":"fine"}
12:00:00 delegates to echo job_1
✔ job_1 succeeded
{
  "done": true
}
`);
});

test("in a pipe a streamed text is printed unchanged, and lines below it are whole", async () => {
  site.runtime.agents.register(
    defineAgent({
      name: "telling",
      run: async (ctx) => {
        await ctx.result.write("Once upon ");
        await ctx.result.write("a time\n\tthere was \u001b[2J");
        await ctx.log.info("thinking");
        await ctx.result.write("an owl\n");
        await ctx.result.write("The end");
      },
    }),
  );
  const { code, out, err } = await site.arcp("submit", "telling");
  expect([code, err]).toEqual([0, ""]);
  expect(plain(out)).toBe(`job_1 telling
12:00:00 running
Once upon a time
\tthere was \\u001b[2J
12:00:00 info  thinking
an owl
The end
✔ job_1 succeeded
the result was streamed, 46 B: \`arcp result job_1 > file\` saves it
`);
  const bytes = await site.arcp("submit", "streaming", '"bytes"');
  expect(plain(bytes.out)).toMatch(/ running\n✔ job_1 succeeded\n/);
});

test("--json prints one object per line: the job, its events with their numbers, its end", async () => {
  const { code, out } = await site.arcp("submit", "talking", ...granted, "--json");
  expect(code).toBe(0);
  const [job, ...events] = objects(out);
  const end = events.pop();
  expect(job).toEqual({
    type: "job",
    job: expect.stringMatching(/^job_/),
    agent: "talking@2.0.0",
    lease: { "tool.call": ["search"], "agent.delegate": ["*"], "cost.budget": ["USD:1.00"] },
    budget: { USD: 1 },
  });
  expect(events.map(({ job_seq }) => job_seq)).toEqual(events.map((_, index) => index + 1));
  expect(events[2]).toEqual({
    type: "event",
    job: job.job,
    job_seq: 3,
    ts: expect.any(String),
    kind: "log",
    body: expect.objectContaining({ level: "warn", attributes: { file: "a.ts" } }),
  });
  expect(end).toEqual({
    type: "end",
    job: job.job,
    status: "success",
    result: { done: true },
  });
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal does not show
const commands = /\u001b\[[?\d;]*[A-Za-z]/g;

test("on a terminal, gauges show the progress within its width", async () => {
  const { code, out } = await site.play(["submit", "talking", ...granted], { columns: 60 }).done;
  expect(code).toBe(0);
  const shown = plain(out.replace(commands, ""));
  expect(shown).toMatch(/^talking@2.0.0 {2}job_1\n12:00:00 running\n/);
  expect(shown).toContain("← mail 1 ms PERMISSION_DENIED tool.call does not c…\n");
  expect(shown).toContain(`
${"█".repeat(5)}${"░".repeat(15)}  25%  1/4 files  a.ts
${"█".repeat(15)}${"░".repeat(5)}  75%  0.75 of 1 USD left
✔ job_1 succeeded  1 ms
{
`);
  for (const line of shown.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
});

test("the foot of a terminal shows the state of the connection and the keys", async () => {
  const playing = site.play(["submit", "deaf", "--budget=USD:2"], { columns: 60 });
  await playing.until(/● connected {2}Ctrl-C detaches from the job\n/);
  playing.interrupt();
  await playing.until(/● connected {2}Ctrl-C cancels the job\n/);
  playing.interrupt("SIGTERM");
  const { code, out } = await playing.done;
  expect(code).toBe(130);
  expect(out.replace(commands, "")).toMatch(/\nto return: `arcp watch job_\w+`\n$/);
  // The foot is cleared away.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: which clears lines
  expect(out.slice(out.lastIndexOf("Ctrl-C cancels"))).toMatch(/(\u001b\[2K.*){3}to return: /s);
});

test("the input is JSON, a file or the standard input, and null if omitted", async () => {
  await writeFile(join(site.home, "input.json"), '{"from":"file"}');
  const result = async (input: string[], stdin?: string) => {
    const options = stdin === undefined ? {} : { stdin };
    const { code, out } = await site.play(["submit", "echo", ...input, "--json"], options).done;
    expect(code).toBe(0);
    return objects(out).at(-1).result;
  };
  expect(await result(['{"a":[1]}'])).toEqual({ a: [1] });
  expect(await result(["@input.json"])).toEqual({ from: "file" });
  expect(await result(["-"], '"from stdin"')).toBe("from stdin");
  expect(await result([])).toBeNull();
  // The byte-order mark that editors on some systems write.
  expect(await result(["-"], "\ufeff[1]")).toEqual([1]);
});

test("Ctrl-C ends the wait for the standard input, and nothing is stored", async () => {
  await using own = await Site.open();
  const [stdout, stderr, signals] = [new PassThrough(), new PassThrough(), new EventEmitter()];
  const stdin = new PassThrough();
  const done = run(["submit", "echo", "-"], { stdin, stdout, stderr, signals, env: own.env });
  await expect.poll(() => stdin.listenerCount("end")).toBeGreaterThan(0);
  signals.emit("SIGINT", "SIGINT");
  expect([await done, stdout.read(), stderr.read()]).toEqual([130, null, null]);
  expect(await readdir(own.home)).toEqual([]);
});

test("--lease and --budget make the lease, with paths resolved against the current directory", async () => {
  const cwd = join(site.home, "project");
  await mkdir(cwd, { recursive: true });
  const flags = [
    ["--lease", "fs.read=./src/**"],
    ["--lease", "fs.read=/etc/*"],
    ["--lease", "fs.write=../out/"],
    ["--lease", "fs.write=**"],
    ["--lease", "net.fetch=https://api.test/**"],
    ["--lease", "x-vendor.acme.door=front=open"],
    ["--budget", "USD:1.00"],
    ["--budget", "EUR:2"],
  ];
  const { out } = await site.play(["submit", "lease", ...flags.flat(), "--json"], { cwd }).done;
  const [here, above] = [cwd, site.home].map((directory) => posixPath(directory));
  expect(objects(out).at(-1).result).toEqual({
    "fs.read": [`${here}/src/**`, "/etc/*"],
    "fs.write": [`${above}/out`, `${here}/**`],
    "net.fetch": ["https://api.test/**"],
    "x-vendor.acme.door": ["front=open"],
    "cost.budget": ["USD:1.00", "EUR:2"],
  });
});

test("--expires ends the lease, and --max-runtime the job, each with its own exit code", async () => {
  const clock = new ManualClock(Date.now());
  await using own = await Site.open({ clock });
  const expiring = own.play(["submit", "counting", "--expires", "30m"]);
  await expiring.until(/running/);
  const limited = own.play(["submit", "counting", "--max-runtime", "10m"]);
  await limited.until(/running/);
  clock.advance(9.9 * 60_000);
  clock.advance(0.2 * 60_000);
  expect(await limited.done).toMatchObject({
    code: 6,
    out: expect.stringMatching(/✖ job_\w+ timed out: /),
  });
  clock.advance(19 * 60_000);
  expect(expiring.out).not.toContain("✖");
  clock.advance(2 * 60_000);
  expect(await expiring.done).toMatchObject({
    code: 1,
    out: expect.stringMatching(/✖ job_\w+ failed: .+ \(LEASE_EXPIRED\)\n$/),
  });
});

test("--key leads to the same job again; without one, each submit is a job of its own", async () => {
  const jobOf = async (...args: string[]) =>
    objects((await site.arcp("submit", "echo", "1", "--json", ...args)).out)[0].job;
  const first = await jobOf("--key", "order-1");
  expect(await jobOf("--key", "order-1")).toBe(first);
  expect(await jobOf()).not.toBe(await jobOf());
  const other = await site.arcp("submit", "echo", "2", "--key", "order-1");
  expect(other).toMatchObject({
    code: 2,
    err: expect.stringMatching(/--key.+ \(DUPLICATE_KEY\)\n$/),
  });
});

test("a reader that does not read holds up the view, whose memory does not grow", async () => {
  await using own = await Site.open();
  const stdout = new PassThrough({ highWaterMark: 1024 });
  const stderr = new PassThrough();
  const done = run(["submit", "counting"], { stdout, stderr, env: own.env });
  await once(stdout, "readable");
  own.counting.upTo(2_000);
  const beside = own.play(["watch"]);
  await beside.until(/number 2000\n/);
  expect(stdout.readableLength + stdout.writableLength).toBeLessThan(8 * 1024);
  own.counting.end();
  stdout.resume();
  expect(await done).toBe(0);
});

test("a job that fails exits with 1, and says why in one line", async () => {
  const { code, out } = await site.arcp("submit", "broken");
  expect(code).toBe(1);
  expect(out).toMatch(/✖ job_\w+ failed: there is no such table \(INVALID_REQUEST\)\n$/);
});

test("--detach prints only the id, and stores what only the user can read", async () => {
  const { code, out, err } = await site.arcp("submit", "deaf", "--detach");
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^job_\w+\n$/);
  const json = await site.arcp("submit", "deaf", "--detach", "--json");
  expect(objects(json.out)).toEqual([{ job: expect.stringMatching(/^job_/) }]);
  const base = join(site.home, "state/arcp/submissions");
  const names = (await readdir(base)).sort();
  const directory = join(base, String(names.at(-2)));
  const record = join(directory, "record.json");
  if (process.platform !== "win32") {
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(record)).mode & 0o777).toBe(0o600);
  }
  expect(JSON.parse(await readFile(record, "utf8"))).toMatchObject({
    job: out.trim(),
    url: site.url,
    session: { resumeToken: expect.any(String) },
  });
  for (const job of [out.trim(), objects(json.out)[0].job]) {
    expect((await site.arcp("cancel", job)).code).toBe(0);
  }
});

test("a connection lost before the acceptance is reported, and the job is submitted all the same", async () => {
  let isLost = false;
  const server = await listen({ port: 0 }, (transport, peer) => {
    async function* frames(): AsyncGenerator<string> {
      for await (const frame of transport.frames) {
        if (!isLost && frame.includes("job.submit")) {
          isLost = true;
          return transport.close("going-away");
        }
        yield frame;
      }
    }
    site.runtime.serve(
      {
        frames: frames(),
        send: (sent) => transport.send(sent),
        close: (reason) => transport.close(reason),
      },
      peer,
    );
  });
  const { code, out, err } = await site.arcp("submit", "echo", `--url=${server.url}`);
  await server.close();
  expect(err).toMatch(/^arcp: connection lost, reconnecting: .+\narcp: reconnected\n$/);
  expect([code, plain(out)]).toEqual([0, expect.stringContaining("✔ job_1 succeeded\n")]);
});

test("a job that has ended, or was refused, leaves nothing behind", async () => {
  await using own = await Site.open();
  expect((await own.arcp("submit", "echo")).code).toBe(0);
  expect((await own.arcp("submit", "nobody")).code).toBe(2);
  expect((await own.play(["submit", "echo", "--token=wrong"]).done).code).toBe(2);
  expect(await readdir(join(own.home, "state/arcp/submissions"))).toEqual([]);
});

test("a refusal for want of capacity does not count as wrong usage", async () => {
  await using own = await Site.open({ limits: { liveJobsPerPrincipal: 1 } });
  expect((await own.arcp("submit", "deaf", "--detach")).code).toBe(0);
  expect(await own.arcp("submit", "deaf", "--detach")).toMatchObject({
    code: 4,
    err: expect.stringMatching(/^arcp: .+ \(INTERNAL_ERROR\)\n$/),
  });
});

describe("every failure takes one line, and has its exit code", () => {
  test.each([
    ["no agent", [], 2, "arcp: missing required argument 'agent'"],
    [
      "bad JSON",
      ["echo", "{a}"],
      2,
      /^arcp: the input is not JSON: .+; write a string as '"in quotes"'/,
    ],
    [
      "bad JSON of lines",
      ["echo", "[1,\n2,,]"],
      2,
      /"\[1, 2,,\]".+; write a string as '"in quotes"'/,
    ],
    [
      "an empty string",
      ["echo", ""],
      2,
      /^arcp: the input is empty: leave it out if the agent takes none/,
    ],
    [
      "no path",
      ["echo", "@"],
      2,
      /^arcp: the @ of the input has to be followed by the path of a JSON file/,
    ],
    ["a directory", ["echo", "@."], 2, /^arcp: \. cannot be read: EISDIR/],
    ["no file", ["echo", "@nowhere.json"], 2, /^arcp: there is no file nowhere\.json\n/],
    [
      "an unknown agent",
      ["nobody"],
      2,
      /^arcp: .+; `arcp agents` lists the agents on offer \(AGENT_NOT/,
    ],
    [
      "an unknown version",
      ["echo@9"],
      2,
      /`arcp agents` lists the agents on offer \(AGENT_VERSION_NOT/,
    ],
    ["no agent's name", ["Echo!"], 2, /^arcp: .+ \(INVALID_REQUEST\)\n$/],
    ["no lease", ["echo", "--lease=fs.read"], 2, "it has to be a capability and a pattern"],
    [
      "an unknown capability",
      ["echo", "--lease=fs.reed=./x"],
      2,
      "the known ones are fs.read, fs.write,",
    ],
    [
      "a budget as a lease",
      ["echo", "--lease=cost.budget=USD:1"],
      2,
      "use --budget USD:2.50 for that.",
    ],
    [
      "somebody's home",
      ["echo", "--lease=fs.read=~/x"],
      2,
      "the shell does not expand that ~: use",
    ],
    [
      "a bad pattern",
      ["echo", "--lease=fs.read=/a/b**"],
      2,
      /^arcp: (?!payload).+ \(INVALID_REQUEST\)\n$/,
    ],
    ["no budget", ["echo", "--budget=2.50"], 2, "a currency and an amount, such as USD:2.50."],
    ["no duration", ["echo", "--expires=soon"], 2, "a duration, such as 90s, 30m, 12h or 7d."],
    ["no time", ["echo", "--max-runtime=0s"], 2, "a duration, such as 90s, 30m, 12h or 7d."],
    ["an empty key", ["echo", "--key="], 2, "arcp: --key takes 1 to 256 characters, not 0\n"],
    ["a long key", ["echo", `--key=${"k".repeat(257)}`], 2, "256 characters, not 257\n"],
    ["a wrong token", ["echo", "--token=wrong"], 2, /^arcp: the token was refused: /],
    ["nobody there", ["echo", "--url=ws://127.0.0.1:9/arcp"], 4, /^arcp: nothing listens at ws:/],
    [
      "an empty address",
      ["echo", "--url="],
      2,
      "arcp: an empty string is not the address of a runtime: ",
    ],
    ["no address", ["echo", "--url=here"], 2, /^arcp: here is not the address of a runtime: /],
    [
      "no profile",
      ["echo", "--profile=work"],
      2,
      /^arcp: there is no profile work in (?:[A-Z]:\\|\/)/,
    ],
    ["too much", ["echo", "1", "2"], 2, "arcp: too many arguments for 'submit'"],
  ])("%s", async (_what, args, code, line) => {
    const played = await site.arcp("submit", ...args);
    expect(played.err).toMatch(line);
    expect(played.err.trimEnd()).not.toContain("\n");
    expect([played.code, played.out]).toEqual([code, ""]);
  });

  test("empty standard input, from a command before the pipe that failed", async () => {
    const playing = site.play(["submit", "echo", "-"], { stdin: Buffer.from("\n") });
    expect(await playing.done).toMatchObject({
      code: 2,
      err: "arcp: standard input is empty: leave it out if the agent takes none\n",
    });
  });

  test("bytes that are not UTF-8, which the agent would get changed", async () => {
    const playing = site.play(["submit", "echo", "-"], { stdin: Buffer.from('"café"', "latin1") });
    expect(await playing.done).toEqual({
      code: 2,
      out: "",
      err: "arcp: standard input is not UTF-8, as JSON has to be\n",
    });
  });

  test("a directory with a star in its name", async () => {
    const playing = site.play(["submit", "echo", "--lease=fs.read=x"], { cwd: "/tmp/a*b" });
    expect(await playing.done).toMatchObject({
      code: 2,
      err: "arcp: /tmp/a*b contains a *, which a lease treats as a wildcard: use absolute paths\n",
    });
  });

  test("a state directory that cannot be made", async () => {
    const file = join(site.home, "file");
    await writeFile(file, "");
    const playing = site.play(["submit", "echo"], { env: { XDG_STATE_HOME: file } });
    expect(await playing.done).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^arcp: cannot write below \S+, which has to hold what coming back takes/,
      ),
    });
  });
});
