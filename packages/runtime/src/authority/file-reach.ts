import { type Glob, isCovered } from "./glob.ts";
import type { CompiledLease } from "./lease.ts";
import { locate, lookingOnce } from "./location.ts";
import { literalPrefix, withLiteralPrefix } from "./path.ts";

/** The capabilities whose targets are files. */
export type FileCapability = "fs.read" | "fs.write";

/** Where the patterns of one capability really lead. */
export interface Reach {
  /** The patterns at their real locations, from {@link resolvePatternPrefixes}. */
  readonly realPatterns: readonly Glob[];
  /**
   * The reach of the parent's lease, which bounds this one: a pattern that names a link can be within a pattern that does not
   * follow it, although what is behind the link is not (R-9.4-1).
   */
  readonly within?: Reach | undefined;
}

/** Where the path patterns of a lease really lead, by capability. */
export type FileReach = Readonly<Record<FileCapability, Reach>>;

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

/**
 * Moves path patterns to where their literal prefixes really are. Done once, when the job is accepted: a lease on a path below a
 * link then covers what the link leads to at that moment, and no link that is created later.
 */
export async function resolvePatternPrefixes(patterns: readonly Glob[]): Promise<readonly Glob[]> {
  const look = lookingOnce();
  const resolved = await Promise.all(
    patterns.map(async (glob) => {
      const prefix = literalPrefix(glob);
      if (prefix === undefined) return glob;
      const location = await locate(prefix, look);
      return location === undefined ? undefined : withLiteralPrefix(glob, location);
    }),
  );
  return resolved.filter((glob) => glob !== undefined);
}

/** Whether a location is covered, here and by every lease above. */
export function reaches({ realPatterns, within }: Reach, location: string): boolean {
  return isCovered(location, realPatterns) && (within === undefined || reaches(within, location));
}
