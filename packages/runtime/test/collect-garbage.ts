import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects all garbage at once, except what the current turn of the event loop has held by a WeakRef. */
export const collectGarbage = runInNewContext("gc") as () => void;
