import type { Surroundings } from "./surroundings.ts";

/** What to type in a shell like the one here to set environment variables. The values must need no quotes in a POSIX shell. */
export function shellVariables(
  variables: Readonly<Record<string, string>>,
  env: Surroundings["env"],
): string {
  const entries = Object.entries(variables);
  // On Windows, a POSIX shell sets SHELL; any other is most likely PowerShell.
  return env["OS"] !== "Windows_NT" || env["SHELL"] !== undefined
    ? `export ${entries.map(([name, value]) => `${name}=${value}`).join(" ")}`
    : entries.map(([name, value]) => `$env:${name} = "${value}"`).join("; ");
}
