import type { Command } from "commander";
import { usage } from "./failure.ts";
import { readProfile } from "./profiles.ts";
import { shownUrl } from "./shown-url.ts";
import type { Surroundings } from "./surroundings.ts";

/** The options that `connectionFlags` adds to a command. */
export interface ConnectionFlags {
  readonly url?: string;
  readonly token?: string;
  readonly profile?: string;
}

/** Which runtime a command connects to, and with which token. */
export interface ConnectionSettings {
  readonly url: string;
  readonly token: string | undefined;
}

/** Where `arcp serve` listens by default. */
export const DEFAULT_URL = "ws://127.0.0.1:7777/arcp";

/** Adds the flags of every command that connects. */
export function connectionFlags(command: Command): Command {
  return command
    .option("--url <url>", `the runtime's address (ARCP_URL; default ${DEFAULT_URL})`)
    .option("--token <token>", "bearer token (ARCP_TOKEN, which process listings do not show)")
    .option("--profile <name>", "a profile of profiles.json (ARCP_PROFILE; default `default`)");
}

/**
 * A flag takes precedence over the environment, and that over the profile; a profile named by `--profile` counts as a flag. The
 * token of a profile is only for the profile's own url: no other server gets to see it.
 *
 * @throws LocalError `MISUSE` for an invalid address or profile
 */
export function connectionSettings(
  flags: ConnectionFlags,
  surroundings: Surroundings,
): ConnectionSettings {
  const { env } = surroundings;
  const environment = { url: env["ARCP_URL"] || undefined, token: env["ARCP_TOKEN"] || undefined };
  const profile = readProfile(flags.profile ?? (env["ARCP_PROFILE"] || undefined), surroundings);
  const named = flags.profile === undefined ? {} : profile;
  const url = checkedUrl(flags.url ?? named.url ?? environment.url ?? profile.url ?? DEFAULT_URL);
  const own = (profile.url ?? DEFAULT_URL) === url ? profile.token : undefined;
  const token = flags.token ?? (flags.profile && own) ?? environment.token ?? own;
  return { url, token };
}

/** @throws LocalError `MISUSE` if this is not the address of a runtime */
export function checkedUrl(url: string): string {
  if (/^wss?:\/\/[^\s#]+$/.test(url) && URL.canParse(url)) return url;
  throw usage(
    `${shownUrl(url.trim()) || "an empty string"} is not the address of a runtime: use one like ${DEFAULT_URL}`,
  );
}
