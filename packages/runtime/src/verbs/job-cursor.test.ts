import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { formatCursor, readCursor } from "./job-cursor.ts";

test("R-6.6-2: a cursor says where the page ended, and nothing else", () => {
  const place = { acceptedAt: 1_790_000_000_000, id: newJobId() };
  const cursor = formatCursor({ ...place, principal: "alice", input: "secret" } as typeof place);
  expect(readCursor(cursor)).toEqual(place);
  expect(Buffer.from(cursor, "base64url").toString()).toBe(JSON.stringify(Object.values(place)));
});

test("R-6.6-6: anything never issued as a cursor is refused", () => {
  const encode = (text: string) => Buffer.from(text).toString("base64url");
  const good = formatCursor({ acceptedAt: 5, id: newJobId() });
  const wrong = [
    "",
    "x",
    "not base64!",
    `${good}=`,
    `${good} `,
    good.slice(0, -2),
    encode("null"),
    encode("[]"),
    encode('{"0":5,"1":"job_1"}'),
    encode('[5,"job_1",1]'),
    encode('["5","job_1"]'),
    encode('[5.5,"job_1"]'),
    encode('[1e400,"job_1"]'),
    encode("[5,7]"),
    encode('[5,""]'),
    encode('[ 5,"job_1"]'),
    encode("[".repeat(100_000)),
  ];
  for (const cursor of wrong) expect(readCursor(cursor), cursor).toBeUndefined();
  expect(readCursor(good)).toBeDefined();
});
