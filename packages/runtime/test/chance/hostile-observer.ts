import type { Observer } from "../../src/observer.ts";
import type { Random } from "./random.ts";

/**
 * An observer that gets every call, and throws, rejects, runs what it should wrap twice, late or never, and returns
 * invalid traces.
 */
export function hostile(observer: Observer, random: Random): Observer {
  return spoilt(observer, random);
}

function spoilt<T extends object>(told: T, random: Random): T {
  return new Proxy(told, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === "within") return within(random);
      if (name === "trace" && random.hits(10)) throw new Error("no trace");
      if (name === "trace" && random.hits(10)) return { traceparent: "x" };
      if (typeof member !== "function") return member;
      return (...given: unknown[]) => {
        const answer: unknown = member.apply(target, given);
        // If `job` threw, the observer would never be told of the job: a different case.
        if (name === "job") return spoilt(answer as object, random);
        if (random.hits(20)) throw new Error(`${String(name)} threw`);
        if (name === "operation") return spoilt(answer as object, random);
        return random.hits(10) ? Promise.reject(new Error(`${String(name)} rejected`)) : answer;
      };
    },
  });
}

function within(random: Random): (run: () => void) => void {
  return (run) => {
    if (random.hits(10)) throw new Error("within threw");
    if (random.hits(20)) setImmediate(run);
    else if (!random.hits(20)) run();
    if (random.hits(20)) run();
  };
}
