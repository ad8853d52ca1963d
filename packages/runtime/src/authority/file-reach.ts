import { type FileAccess, type Reach, resolvePatternPrefixes } from "./covered-path.ts";
import type { Glob } from "./glob.ts";
import type { CompiledLease } from "./lease.ts";

/** Where the path patterns of a lease really lead, by capability. */
export type FileReach = Readonly<Record<FileAccess["capability"], Reach>>;

const NOWHERE: FileReach = { "fs.read": { realPatterns: [] }, "fs.write": { realPatterns: [] } };

/** The authority whose patterns bound those of another. */
interface Reaching {
  readonly fileReach: FileReach | Promise<FileReach>;
}

/**
 * Resolves where the path patterns of a lease lead now.
 * @param within the parent's authority; used only if this lease has patterns
 */
export function fileReach(
  lease: CompiledLease,
  within: Reaching | undefined,
): FileReach | Promise<FileReach> {
  const reading = lease.patterns("fs.read");
  const writing = lease.patterns("fs.write");
  return reading.length + writing.length === 0 ? NOWHERE : resolved(reading, writing, within);
}

async function resolved(
  reading: readonly Glob[],
  writing: readonly Glob[],
  bound: Reaching | undefined,
): Promise<FileReach> {
  const [asRead, asWritten, within] = await Promise.all([
    resolvePatternPrefixes(reading),
    resolvePatternPrefixes(writing),
    bound?.fileReach,
  ]);
  return {
    "fs.read": { realPatterns: asRead, within: within?.["fs.read"] },
    "fs.write": { realPatterns: asWritten, within: within?.["fs.write"] },
  };
}
