import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configDirectory } from "./directories.ts";
import { usage } from "./failure.ts";
import type { Surroundings } from "./surroundings.ts";

/** The address of a runtime and a token for it, under a name. */
export interface Profile {
  readonly url?: string;
  readonly token?: string;
}

/** The profile used if none is named. */
const UNNAMED = "default";

/**
 * @param name undefined for the profile called `default`, which need not exist
 * @throws LocalError `MISUSE` if there is no profile of that name, or the file cannot be read
 */
export function readProfile(name: string | undefined, surroundings: Surroundings): Profile {
  const path = join(configDirectory(surroundings), "profiles.json");
  const profiles = readProfiles(path);
  const profile = Object.hasOwn(profiles, name ?? UNNAMED) ? profiles[name ?? UNNAMED] : undefined;
  if (profile !== undefined) return checked(profile, name ?? UNNAMED, path);
  if (name === undefined) return {};
  const known = Object.keys(profiles).join(", ") || "none";
  throw usage(`there is no profile ${name} in ${path}; it has ${known}`);
}

function readProfiles(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw usage(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  try {
    const profiles: unknown = JSON.parse(text);
    if (isObject(profiles)) return profiles;
  } catch {}
  throw usage(`${path} has to be JSON such as {"default":{"url":"wss://…","token":"…"}}`);
}

function checked(profile: unknown, name: string, path: string): Profile {
  const { url, token, ...rest } = isObject(profile) ? profile : { rest: profile };
  if (isText(url) && isText(token) && Object.keys(rest).length === 0) {
    return { ...(url !== undefined && { url }), ...(token !== undefined && { token }) };
  }
  throw usage(`the profile ${name} in ${path} has to be {"url":"…","token":"…"} and nothing else`);
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
