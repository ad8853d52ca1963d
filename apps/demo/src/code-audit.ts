import { basename, relative } from "node:path";
import { ArcpError } from "@arcp/core";
import { type AgentContext, defineAgent } from "@arcp/runtime";
import { z } from "zod";
import { type AuditLine, formatReport } from "./audit-report.ts";
import { ClassifyOutput } from "./classify.ts";
import { type ReadFile, Tally } from "./tally.ts";
import { listTree, unlessJobIsOver } from "./tree.ts";

export const AuditInput = z.object({
  /** The absolute path of the tree; the lease must cover it (`fs.read`). */
  root: z.string().startsWith("/"),
  /** Names of directories to skip. */
  skip: z.array(z.string()).default([]),
  /** A path that it tries to read at the end, to show that its lease is enforced. */
  probe: z.string().optional(),
});

/** What one file costs, in credits. */
export const PRICE = 0.01;
/** Files per call of the tool `classify`. */
export const BATCH = 10;
/** Progress is reported at most about this many times: a huge tree needs no event for each of its files. */
const PROGRESS_STEPS = 500;
/** Files with more bytes are measured but not read. */
const MAX_READ = 2 * 1024 * 1024;
/** Lines of the report per piece. */
const PIECE = 50;

/**
 * Audits a source tree: lines by language, TODO and FIXME, the largest files. It needs `fs.read` on the tree and
 * `tool.call` of `classify`; a budget in credits bounds how far it gets. Its result is streamed, see `AuditLine`.
 */
export const codeAudit = defineAgent({
  name: "code-audit",
  version: "1.0.0",
  input: AuditInput,
  async run(ctx, { root, skip, probe }) {
    await ctx.status("listing", root);
    const { files, links, unreadable } = await listTree(ctx.fs.list, root, skip);

    await ctx.status("reading", `${files.length} files`);
    const tally = new Tally();
    const complete = await readAll(ctx, root, files, tally);
    const probed = probe === undefined ? [] : [await tryToRead(ctx, probe)];

    await ctx.status("reporting");
    const report = [...tally.report({ root, links, unreadable, complete }), ...probed];
    for (let start = 0; start < report.length; start += PIECE) {
      await ctx.result.write(formatReport(report.slice(start, start + PIECE)));
    }
  },
});

/** @returns false if the budget was used up before the last file: the files read so far are worth a report */
async function readAll(
  ctx: AgentContext,
  root: string,
  files: readonly string[],
  tally: Tally,
): Promise<boolean> {
  const total = files.length;
  const step = Math.ceil(total / PROGRESS_STEPS);
  try {
    await ctx.progress({ current: 0, total, units: "files" });
    for (let start = 0; start < total; start += BATCH) {
      const batch = files.slice(start, start + BATCH);
      const names = batch.map((path) => basename(path));
      const { languages } = ClassifyOutput.parse(await ctx.tools.call("classify", { names }));
      for (const [i, path] of batch.entries()) {
        const file = await read(ctx, path).catch(unlessJobIsOver);
        tally.add(relative(root, path), languages[i] ?? "other", file);
        await ctx.metric({ name: "cost.read", value: PRICE, unit: "credits" });
        const current = tally.files;
        if (current % step === 0 || current === total) {
          await ctx.progress({ current, total, units: "files" });
        }
      }
    }
    return true;
  } catch (error) {
    if (error instanceof ArcpError && error.code === "BUDGET_EXHAUSTED") return false;
    throw error;
  }
}

async function read(ctx: AgentContext, path: string): Promise<ReadFile> {
  const { size: bytes } = await ctx.fs.stat(path);
  if (bytes > MAX_READ) return { bytes, text: undefined };
  const text = await ctx.fs.readText(path);
  return { bytes, text: text.includes("\0") ? undefined : text };
}

/** A refusal does not end a job: the agent gets it as an error and decides for itself. */
async function tryToRead(ctx: AgentContext, path: string): Promise<AuditLine> {
  try {
    await ctx.fs.readText(path);
    return { line: "probe", path };
  } catch (error) {
    return { line: "probe", path, refused: ArcpError.from(error).code };
  }
}
