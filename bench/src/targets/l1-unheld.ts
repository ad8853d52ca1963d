import { fdatasync, openSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { oneByOne } from "./l1.ts";
import { RAW_FILE, rawCommits } from "./raw-commits.ts";
import { RawServer } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/**
 * L1-durable as it has to be where nobody else may wait for the disk: the same commits, synced behind the event loop's back.
 * The least that a durable submit costs by this Node, whatever else a server does, then.
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
