import { posix, sep, win32 } from "node:path";
import { type Capability, capabilities, isCapability, type Lease } from "@arcp/core";
import { InvalidArgumentError } from "commander";
import { usage } from "./failure.ts";

/** One pattern of a lease, as given to `--lease`. */
export interface Grant {
  readonly capability: Capability;
  readonly pattern: string;
}

/** Parses `--lease`, which can be repeated. */
export function grants(text: string, before: readonly Grant[] = []): readonly Grant[] {
  const [, capability = "", pattern = ""] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (pattern === "") {
    throw new InvalidArgumentError("it has to be a capability and a pattern: fs.read=./src/**.");
  }
  if (!isCapability(capability)) {
    const known = capabilities.filter((name) => name !== BUDGET).join(", ");
    throw new InvalidArgumentError(`the known ones are ${known} and x-vendor.<vendor>.<name>.`);
  }
  if (capability === BUDGET) throw new InvalidArgumentError("use --budget USD:2.50 for that.");
  if (capability.startsWith("fs.") && /^~(\/|$)/.test(pattern)) {
    throw new InvalidArgumentError(
      "the shell does not expand that ~: use $HOME, or ./~ if you mean it.",
    );
  }
  return [...before, { capability, pattern }];
}

const BUDGET = "cost.budget";
/** As the protocol defines it (section 9.6). */
const AMOUNT = /^[A-Za-z][A-Za-z0-9_-]{0,31}:\d{1,18}(\.\d{1,18})?$/;

/** Parses `--budget`, which can be repeated. */
export function budgets(text: string, before: readonly string[] = []): readonly string[] {
  if (AMOUNT.test(text)) return [...before, text];
  throw new InvalidArgumentError("it has to be a currency and an amount, such as USD:2.50.");
}

/**
 * The lease to request; undefined if no flag asks for one.
 *
 * @param cwd the directory that paths are relative to; they are made absolute, because the runtime may run elsewhere
 * @throws LocalError `MISUSE` if that directory cannot be part of a pattern
 */
export function leaseOf(
  granted: readonly Grant[],
  budget: readonly string[],
  cwd: string,
): Lease | undefined {
  const lease: Partial<Record<Capability, readonly string[]>> = {};
  for (const { capability, pattern } of granted) {
    const target = capability.startsWith("fs.") ? absolute(pattern, cwd) : pattern;
    lease[capability] = [...(lease[capability] ?? []), target];
  }
  if (budget.length > 0) lease[BUDGET] = budget;
  return Object.keys(lease).length === 0 ? undefined : lease;
}

/** `resolve` treats stars like any other character, so a pattern stays a pattern. */
function absolute(pattern: string, cwd: string): string {
  const path = posix.resolve(posixPath(cwd), pattern);
  if (!pattern.startsWith("/") && cwd.includes("*")) {
    throw usage(`${cwd} contains a *, which a lease treats as a wildcard: use absolute paths`);
  }
  return path;
}

/** On Windows `C:\work` is `/work` in a lease, whose paths are on the runtime's current drive. */
export function posixPath(directory: string): string {
  if (sep !== win32.sep) return directory;
  return `/${directory.slice(win32.parse(directory).root.length).replaceAll(sep, "/")}`;
}
