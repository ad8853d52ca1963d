import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { members, root } from "./workspace.mjs";

const BUILT = /(\.d\.ts|\.js)(\.map)?$/;

/** Removes the build output of deleted sources: neither the compiler nor the cache does, and it would be published. */
export function removeStaleBuilds() {
  for (const member of members) {
    const built = join(root, member, "dist");
    const sources = join(root, member, "src");
    if (!existsSync(built) || !existsSync(sources)) continue;
    for (const file of readdirSync(built, { recursive: true })) {
      if (!BUILT.test(file) || existsSync(join(sources, file.replace(BUILT, ".ts")))) continue;
      rmSync(join(built, file));
    }
  }
}
