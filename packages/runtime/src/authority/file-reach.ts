import { type FileAccess, type Reach, resolvePatternPrefixes } from "./covered-path.ts";
import type { CompiledLease } from "./lease.ts";

/** Where the path patterns of a lease lead, by capability. */
export type FileReach = Readonly<Record<FileAccess["capability"], Reach>>;

const NOWHERE: FileReach = { "fs.read": { realPatterns: [] }, "fs.write": { realPatterns: [] } };

/**
 * Where the path patterns of a lease lead at this moment.
 * @param above of the lease under which it was delegated; asked only when this one has patterns
 */
export function fileReach(
  lease: CompiledLease,
  above: () => FileReach | Promise<FileReach> | undefined,
): FileReach | Promise<FileReach> {
  const patterns = [...lease.patterns("fs.read"), ...lease.patterns("fs.write")];
  return patterns.length === 0 ? NOWHERE : resolved(lease, above());
}

async function resolved(
  lease: CompiledLease,
  above: FileReach | Promise<FileReach> | undefined,
): Promise<FileReach> {
  const [asRead, asWritten, within] = await Promise.all([
    resolvePatternPrefixes(lease.patterns("fs.read")),
    resolvePatternPrefixes(lease.patterns("fs.write")),
    above,
  ]);
  return {
    "fs.read": { realPatterns: asRead, within: within?.["fs.read"] },
    "fs.write": { realPatterns: asWritten, within: within?.["fs.write"] },
  };
}
