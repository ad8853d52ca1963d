import { fdatasync, openSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { oneByOne } from "./l1.ts";
import { RAW_FILE, rawCommits } from "./raw-commits.ts";
import { RawServer } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/**
 * L1-durable as it must be if no client may wait for the disk: the same commits, synced off the event loop. This is the lower bound
 * for a durable submit on this Node, whatever else a server does.
 */
export const start: StartTarget = ({ directory }) => {
  const write = rawCommits(directory, "NORMAL");
  write();
  const log = openSync(join(directory, `${RAW_FILE}-wal`), "r+");
  const sync = promisify(fdatasync);
  const commit = (): Promise<void> => {
    write();
    return sync(log);
  };
  return new RawServer({
    ...oneByOne,
    accept: commit,
    async stream(followers, job) {
      await commit();
      await oneByOne.stream(followers, job);
    },
  }).listen();
};
