import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects all garbage at once, but for what the present turn of the event loop has given to a WeakRef. */
export const collectGarbage = runInNewContext("gc") as () => void;
