import assert from "node:assert/strict";
import { newJobId } from "@arcp/core";
import { same } from "./equality.ts";
import { EVERYTHING, records, textsOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const damageCases: readonly StoreCase[] = [
  storeCase(
    "P3: a missing record is reported, and neither skipped nor waited for",
    { needs: ["lose"] },
    async (stage) => {
      for (const seq of [1, 3, 5]) {
        const [job, whole] = [newJobId(), newJobId()];
        await stage.store.logs.append(
          [job, whole].map((id) => ({ job: id, after: 0, records: records(1, 5) })),
        );
        await stage.lose(job, seq);
        const { store } = stage;
        const lost = { name: "DamagedLog", through: seq };
        const text = `record ${seq} of 5 is missing, and was skipped`;
        await assert.rejects(store.logs.read(job, 0, EVERYTHING), lost, text);
        await assert.rejects(store.logs.read(job, seq - 1, EVERYTHING), lost, text);
        const { floor, head, records: rest } = await store.logs.read(job, seq, EVERYTHING);
        same([floor, head], [0, 5]);
        same(
          rest.map(({ text }) => text),
          ["1", "2", "3", "4", "5"].slice(seq),
        );
        same(await textsOf(store, whole), ["1", "2", "3", "4", "5"]);
        // The log goes on after it.
        same(await store.logs.append([{ job, after: 5, records: records(6, 1) }]), ["appended"]);
      }
    },
  ),
];
