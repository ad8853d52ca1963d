import type { JobId } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import type { RequirementId } from "../manifest/manifest.ts";

/** How much of one job's log a store keeps; beyond it the oldest records are evicted. Chunks of results count for neither. */
export interface KeptLog {
  readonly records: number;
  /** Of text, as JavaScript counts them. */
  readonly characters: number;
  /** Characters of all logs together, chunks of results included. Default: the store's own. */
  readonly total?: number;
}

/** How to open the stores that the contract checks. An optional method is absent if the store cannot do it. */
export interface OpenStore {
  /** Opens a new, empty store. */
  open(): Promise<Store>;
  /** Closes the store and reopens what it kept. */
  reopen?(store: Store): Promise<Store>;
  /**
   * Drops the store as if its process had ended at this moment, abruptly, and opens what that left behind. Calls to it may settle
   * or not.
   */
  crash?(store: Store): Promise<Store>;
  /** Opens a new, empty store that keeps less of a log. */
  openLimited?(kept: KeptLog): Promise<Store>;
  /** Opens the same data while the store has it open, as a second process would by mistake. Rejects if that is refused. */
  openTwice?(store: Store): Promise<Store>;
  /** Breaks the store's connections, ideally so that requests still arrive and replies do not. It may make new ones at once. */
  disconnect?(store: Store): Promise<void>;
  /** Closes the store, takes a record out of a log behind its back, and opens it again. */
  lose?(store: Store, job: JobId, seq: number): Promise<Store>;
}

/** The optional abilities of a store. */
export type StoreAbility = Exclude<keyof OpenStore, "open">;

/** One promise of a store. */
export interface StoreCase {
  readonly name: string;
  readonly requirements: readonly RequirementId[];
  /** Without these there is nothing to check: skip the case, and say so. */
  readonly needs: readonly StoreAbility[];
  /** Rejects if the promise is broken, saying how. Closes every store that it opens. */
  run(open: OpenStore): Promise<void>;
}

/** A store in the hands of a case. */
export interface Stage {
  readonly store: Store;
  /** Closes the store and opens again what it kept; every later use of `store` is of that one. */
  reopen(): Promise<void>;
  /** Ends its process at this moment; every later use of `store` is of what that left behind. */
  crash(): Promise<void>;
  /** Opens it once more while it is open. */
  openTwice(): Promise<Store>;
  /** Breaks its connections. */
  disconnect(): Promise<void>;
  /** Takes a record out of a log; every later use of `store` is of what is left. */
  lose(job: JobId, seq: number): Promise<void>;
  /** Checks what must be true of the store now and, if it outlives a close, after one. */
  holds(check: (store: Store) => Promise<void>): Promise<void>;
}

interface CaseOptions {
  readonly requirements?: readonly RequirementId[];
  readonly needs?: readonly Exclude<StoreAbility, "openLimited">[];
  /** Limits of the store, which it then has to be able to keep. */
  readonly kept?: KeptLog;
}

export function storeCase(
  name: string,
  options: CaseOptions,
  act: (stage: Stage) => Promise<void>,
): StoreCase {
  const { requirements = [], needs = [], kept } = options;
  return {
    name,
    requirements,
    needs: kept === undefined ? needs : [...needs, "openLimited"],
    async run(open) {
      let store = await first(open, kept);
      const reopen = async (): Promise<void> => {
        store = await (open.reopen?.(store) ?? lacks("reopen"));
      };
      try {
        await act({
          get store() {
            return store;
          },
          reopen,
          async crash() {
            store = await (open.crash?.(store) ?? lacks("crash"));
          },
          openTwice: () => open.openTwice?.(store) ?? lacks("openTwice"),
          disconnect: () => open.disconnect?.(store) ?? lacks("disconnect"),
          async lose(job, seq) {
            store = await (open.lose?.(store, job, seq) ?? lacks("lose"));
          },
          async holds(check) {
            await check(store);
            if (open.reopen === undefined) return;
            await reopen();
            await check(store);
          },
        });
      } finally {
        await store.close();
      }
    },
  };
}

/** The abilities that the case needs and the store lacks; nothing if the case can run. */
export function missing({ needs }: StoreCase, open: OpenStore): readonly StoreAbility[] {
  return needs.filter((need) => open[need] === undefined);
}

function first(open: OpenStore, kept: KeptLog | undefined): Promise<Store> {
  if (kept === undefined) return open.open();
  return open.openLimited?.(kept) ?? lacks("openLimited");
}

/** A case uses what it does not say that it needs. */
function lacks(ability: StoreAbility): never {
  throw new Error(`this store lacks ${ability}, and the case does not need it`);
}
