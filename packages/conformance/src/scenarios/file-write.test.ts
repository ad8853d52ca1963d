import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Puppets } from "../../test/puppets.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const code = (code: string) => expect.objectContaining({ code });

async function workspace() {
  const base = await mkdtemp(join(tmpdir(), "arcp-scenario-"));
  const root = join(base, "work");
  await mkdir(join(root, "out"), { recursive: true });
  await mkdir(`${root}-evil`);
  await writeFile(join(base, "precious"), "precious");
  return { base, root, [Symbol.asyncDispose]: () => rm(base, { recursive: true }) };
}

/** The bodies of the events of operations. */
function shown(envelopes: readonly StreamEnvelope[]): Array<Record<string, any>> {
  return envelopes.flatMap((envelope) =>
    envelope.type === "job.event" && /^tool_/.test(envelope.payload.kind)
      ? [envelope.payload.body as Record<string, any>]
      : [],
  );
}

describe.each(ways)("over %s", (way) => {
  test("R-9.2-5, R-9.2-7 and R-9.3-3: a write outside the lease is refused to the agent and in the stream, and changes no byte", async () => {
    await using place = await workspace();
    const { base, root } = place;
    await using stage = await Stage.open(way, { workspace: root });
    const wire = await stage.greeted();
    const lease_request = { "fs.write": ["out/**", "link", "dangling"], "fs.read": ["**"] };
    const { puppet } = await stage.played(wire, { lease_request });
    // After the acceptance, as anybody working there may.
    await symlink(join(base, "precious"), join(root, "link"));
    await symlink(join(base, "new"), join(root, "dangling"));
    await symlink(base, join(root, "out", "up"));
    const { fs } = puppet.ctx;
    await fs.writeFile("out/a.txt", "hidden");
    await fs.writeFile(join(root, "out/./a.txt"), new Uint8Array([33]), { flag: "a" });
    expect(await fs.readText("out/a.txt")).toBe("hidden!");
    const paths = [
      "a.txt",
      "out/../a.txt",
      "out/../../precious",
      "../work-evil/a.txt",
      `${root}-evil/a.txt`,
      "out%2fa.txt",
      "OUT/a.txt",
      "link",
      "dangling",
      "out/up/precious",
      "out/up/new",
      "out/x\u0000",
      "",
    ];
    for (const path of paths) {
      for (const flag of ["w", "a", "wx"] as const) {
        const writing = fs.writeFile(path, "hidden", { flag });
        await expect(writing, `${flag} ${path}`).rejects.toEqual(code("PERMISSION_DENIED"));
      }
    }
    await expect(fs.writeFile("out/a.txt", 7 as never)).rejects.toEqual(code("INVALID_REQUEST"));
    const wrong = fs.writeFile("out/a.txt", "", { flag: "r+" as never });
    await expect(wrong).rejects.toEqual(code("INVALID_REQUEST"));
    await expect(fs.writeFile("out/a.txt", "", { flag: "wx" })).rejects.toEqual(code("EEXIST"));
    puppet.finish();
    const all = await wire.until(isTerminal);
    expect(all.at(-1)).toMatchObject({ type: "job.result" });
    const bodies = shown(all);
    expect(bodies.map(({ tool, error }) => tool ?? error.code)).toEqual(
      paths.flatMap(() => Array(3).fill(["fs.write", "PERMISSION_DENIED"]).flat()),
    );
    expect(bodies[0]).toMatchObject({ args: { path: "a.txt", byte_size: 6 } });
    expect(JSON.stringify([all, stage.logged])).not.toContain("hidden");
    expect((await readdir(base)).sort()).toEqual(["precious", "work", "work-evil"]);
    expect(await readdir(`${root}-evil`)).toEqual([]);
    expect(await readFile(join(base, "precious"), "utf8")).toBe("precious");
    expect((await readdir(root)).sort()).toEqual(["dangling", "link", "out"]);
  });

  test("R-9.3-2: a read grant does not allow writes, nor the other way round", async () => {
    await using place = await workspace();
    await using stage = await Stage.open(way, { workspace: place.root });
    const wire = await stage.greeted();
    const lease_request = { "fs.read": ["in/**"], "fs.write": ["out/**"] };
    const { puppet } = await stage.played(wire, { lease_request });
    const { fs } = puppet.ctx;
    await fs.writeFile("out/a", "x");
    for (const refused of [fs.readText("out/a"), fs.stat("out/a"), fs.writeFile("in/a", "x")]) {
      await expect(refused).rejects.toEqual(code("PERMISSION_DENIED"));
    }
    puppet.finish();
    expect(shown(await wire.until(isTerminal))).toHaveLength(6);
  });

  test("R-9.6-6: on an empty budget nothing is written", async () => {
    await using place = await workspace();
    await using stage = await Stage.open(way, { workspace: place.root });
    const wire = await stage.greeted();
    const lease_request = { "fs.write": ["out/**"], "cost.budget": ["USD:1"] };
    const { puppet } = await stage.played(wire, { lease_request });
    await puppet.ctx.fs.writeFile("out/a", "kept");
    const writing = puppet.ctx.fs.writeFile("out/a", "");
    void puppet.ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
    await expect(writing).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    expect(await readFile(join(place.root, "out/a"), "utf8")).toBe("kept");
    puppet.finish();
    await wire.until(isTerminal);
  });

  test("an agent that opts in shows what it does with files, with sizes and no content", async () => {
    await using place = await workspace();
    const open = new Puppets({ name: "open", showOperations: true });
    await using stage = await Stage.open(way, { workspace: place.root, agents: [open.agent] });
    const wire = await stage.greeted();
    const lease_request = { "fs.read": ["**"], "fs.write": ["out/**"] };
    await wire.submit({ agent: "open", lease_request });
    const { ctx, finish } = await open.next();
    await ctx.fs.writeFile("out/a", "hidden é");
    await ctx.fs.readText("out/a");
    await ctx.fs.readFile("out/a");
    await ctx.fs.list("out");
    await ctx.fs.stat("out/a");
    await expect(ctx.fs.readText("none")).rejects.toEqual(code("ENOENT"));
    finish();
    const all = await wire.until(isTerminal);
    expect(
      shown(all).map(({ tool, args, result, error }) => [
        tool,
        args,
        result,
        error && `${error.code}: ${error.message}`,
      ]),
    ).toEqual(
      [
        ["fs.write", { path: "out/a", byte_size: 9 }],
        [undefined, undefined, {}],
        ["fs.read", { path: "out/a" }],
        [undefined, undefined, { byte_size: 9 }],
        ["fs.read", { path: "out/a" }],
        [undefined, undefined, { byte_size: 9 }],
        ["fs.list", { path: "out" }],
        [undefined, undefined, { entries: 1 }],
        ["fs.stat", { path: "out/a" }],
        [undefined, undefined, { byte_size: 9 }],
        ["fs.read", { path: "none" }],
        [undefined, undefined, undefined, "INTERNAL_ERROR: fs.read failed: Error ENOENT"],
      ].map((row) => Array.from({ length: 4 }, (_, i) => row[i])),
    );
    expect(JSON.stringify(all)).not.toContain("hidden");
  });
});
