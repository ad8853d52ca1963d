import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Audience } from "./audience.ts";

test("R-14-3: whoever followed a job is known until the job or the viewer is gone", () => {
  const audience = new Audience<string>();
  const [a, b] = [newJobId(), newJobId()];
  for (const viewer of ["x", "y", "x"]) audience.add(a, viewer);
  audience.add(b, "x");
  expect(audience.of(a)).toEqual(["x", "y"]);
  audience.removeViewer("x");
  expect([audience.of(a), audience.of(b)]).toEqual([["y"], []]);
  audience.removeJob(a);
  audience.removeJob(a);
  expect(audience.of(a)).toEqual([]);
  audience.removeViewer("y");
  audience.add(a, "y");
  expect(audience.of(a)).toEqual(["y"]);
});
