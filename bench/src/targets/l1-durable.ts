import { oneByOne } from "./l1.ts";
import { rawCommits } from "./raw-commits.ts";
import { RawServer } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/**
 * L1 with the fewest commits that a durable submit needs: one before its acceptance and one before its stream, each of one small
 * row, which delays every client.
 */
export const start: StartTarget = ({ directory }) => {
  const commit = rawCommits(directory, "FULL");
  return new RawServer({
    ...oneByOne,
    accept: commit,
    stream(followers, job) {
      commit();
      return oneByOne.stream(followers, job);
    },
  }).listen();
};
