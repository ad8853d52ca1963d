import fc from "fast-check";
import { expect, test } from "vitest";
import { blocks } from "./blocks.ts";
import type { LogRecord } from "./log-store.ts";
import { MemoryLog } from "./memory-log.ts";

const ALL = { records: Number.MAX_SAFE_INTEGER, characters: Number.MAX_SAFE_INTEGER };

const aRecord: fc.Arbitrary<LogRecord> = fc.record({
  kind: fc.constantFrom("event", "progress", "result_chunk", "terminal"),
  text: fc.string({ maxLength: 40, unit: "binary" }),
});

test("J1, P3: packed, evicted and read from anywhere, a log equals a plain list", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(aRecord, { maxLength: 90 }), { maxLength: 25 }),
      fc.record({
        records: fc.integer({ min: 1, max: 300 }),
        characters: fc.integer({ min: 1, max: 6000 }),
      }),
      fc.array(
        fc.record({
          after: fc.nat(1500),
          records: fc.integer({ min: 0, max: 100 }),
          characters: fc.nat(500),
        }),
      ),
      (appends, limits, reads) => {
        const log = new MemoryLog(limits);
        let model: LogRecord[] = [];
        let floor = 0;
        for (const records of appends) {
          log.append(records);
          model = [...model, ...records];
          const counted = () => model.filter(({ kind }) => kind !== "result_chunk");
          const characters = () => counted().reduce((sum, { text }) => sum + text.length, 0);
          while (
            model.length > 1 &&
            (counted().length > limits.records || characters() > limits.characters)
          ) {
            model.shift();
            floor += 1;
          }
          expect(log.read(0, ALL)).toEqual({ floor, head: floor + model.length, records: model });
        }
        for (const { after, ...page } of reads) {
          const wanted = model.slice(Math.max(0, after - floor)).slice(0, page.records);
          let total = 0;
          const fitting = wanted.findIndex(({ text }, i) => {
            total += text.length;
            return i > 0 && total > page.characters;
          });
          const records = fitting === -1 ? wanted : wanted.slice(0, fitting);
          expect(log.read(after, page)).toEqual({ floor, head: floor + model.length, records });
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("large chunks are not copied again by every later append", () => {
  const log = new MemoryLog({ records: 1000, characters: 1e9 });
  const text = "x".repeat(700_000);
  for (let i = 0; i < 40; i++) log.append([{ kind: "result_chunk", text }]);
  const page = log.read(38, ALL);
  expect(page.records.map((record) => record.text === text)).toEqual([true, true]);
});

test("a long record is in a block, which is freed when the record is evicted or its log removed", () => {
  // The spare blocks of other tests may be all that are allowed: one block takes their place, and is taken.
  const most = 16 * 1024 * 1024;
  blocks.give(blocks.take(most));
  blocks.take(most);
  const log = new MemoryLog({ records: 1000, characters: 1e9 });
  const texts = ["a", "b", "c"].map((letter) => letter.repeat(40_000));
  log.append(texts.map((text) => ({ kind: "event" as const, text })));
  expect(log.characters).toBe(120_000);
  const before = blocks.spare;
  expect(log.evict()).toBe(40_000);
  const free = blocks.spare - before;
  expect(free).toBeGreaterThanOrEqual(40_000);
  const { records } = log.read(0, { records: 10, characters: 1e9 });
  expect(records.map(({ text }) => text)).toEqual(texts.slice(1));
  log.remove();
  expect(blocks.spare).toBe(before + 3 * free);
});
