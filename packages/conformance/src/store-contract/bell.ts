import assert from "node:assert/strict";
import { newJobId } from "@arcp/core";
import { same } from "./equality.ts";
import { soon } from "./patience.ts";
import { records, textsOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const bellCases: readonly StoreCase[] = [
  storeCase("a bell rings once the record can be read, for its own job", {}, async ({ store }) => {
    const [a, b] = [newJobId(), newJobId()];
    const ofB = Promise.withResolvers<string[]>();
    let rungOfA = 0;
    store.logs.listen(a, () => {
      rungOfA += 1;
    });
    store.logs.listen(b, () => ofB.resolve(textsOf(store, b)));
    await store.logs.append([{ job: b, after: 0, records: records(1, 2) }]);
    same(await soon("the bell rings", ofB.promise), ["1", "2"]);
    assert.equal(rungOfA, 0);
  }),

  storeCase("every bell of a job rings", {}, async ({ store }) => {
    const job = newJobId();
    const bells = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    for (const { resolve } of bells) store.logs.listen(job, resolve);
    await store.logs.append([{ job, after: 0, records: records(1, 1) }]);
    await soon("the bell rings", Promise.all(bells.map(({ promise }) => promise)));
  }),

  storeCase("an append to several logs rings for each, every time", {}, async ({ store }) => {
    const jobs = Array.from({ length: 3 }, newJobId);
    for (let after = 0; after < 20; after++) {
      // A ring too early finds nothing, and if none followed, the record would never be found.
      const found = jobs.map(async (job) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const look = async () => {
          const texts = await textsOf(store, job, after);
          if (texts.length > 0) resolve();
        };
        const takeDown = store.logs.listen(job, () => void look().catch(reject));
        await soon("the bell rings", promise).finally(takeDown);
      });
      const batches = jobs.map((job) => ({ job, after, records: records(after + 1, 1) }));
      await Promise.all([store.logs.append(batches), ...found]);
    }
  }),

  storeCase("a bell that was taken down is silent, and the others go on", {}, async ({ store }) => {
    const job = newJobId();
    const rung: string[] = [];
    const takeDown = store.logs.listen(job, () => rung.push("first"));
    const other = Promise.withResolvers<void>();
    store.logs.listen(job, other.resolve);
    takeDown();
    takeDown();
    await store.logs.append([{ job, after: 0, records: records(1, 1) }]);
    await soon("the bell rings", other.promise);
    same(rung, []);
  }),

  storeCase("a function that is given twice is two bells", {}, async ({ store }) => {
    const job = newJobId();
    const rung = Promise.withResolvers<void>();
    const takeDown = store.logs.listen(job, rung.resolve);
    store.logs.listen(job, rung.resolve);
    takeDown();
    await store.logs.append([{ job, after: 0, records: records(1, 1) }]);
    await soon("the bell rings", rung.promise);
  }),

  storeCase("bells that hang themselves up again ring once", {}, async ({ store }) => {
    const job = newJobId();
    const again = Promise.withResolvers<void>();
    let rung = 0;
    const hang = (): void => {
      const takeDown = store.logs.listen(job, () => {
        rung += 1;
        // Otherwise this would never end.
        if (rung > 100) return;
        takeDown();
        hang();
        again.resolve();
      });
    };
    for (let bells = 0; bells < 3; bells++) hang();
    await store.logs.append([{ job, after: 0, records: records(1, 1) }]);
    await soon("the bell rings", again.promise);
    assert.equal(rung, 3);
  }),

  storeCase("a bell may be taken down and hung up while it rings", {}, async ({ store }) => {
    const job = newJobId();
    const again = Promise.withResolvers<void>();
    let rung = 0;
    const takeDown = store.logs.listen(job, () => {
      rung += 1;
      takeDown();
      store.logs.listen(job, again.resolve);
    });
    await store.logs.append([{ job, after: 0, records: records(1, 1) }]);
    await store.logs.append([{ job, after: 1, records: records(2, 1) }]);
    await soon("the bell rings", again.promise);
    assert.equal(rung, 1);
  }),
];
