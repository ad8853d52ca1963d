import { expect, test } from "vitest";
import { Transcript } from "./transcript.ts";

test("blanks between the tokens of a frame are left out, those within its texts stay", () => {
  const transcript = new Transcript();
  transcript.add("runtime", '{ "type" : "a  \\" b",\n "n": [ 1, 2 ] }');
  transcript.add("runtime", "no  JSON");
  expect(`${transcript}`).toBe('<- {"type":"a  \\" b","n":[1,2]}\n<- no  JSON');
});

test("a failure shows the beginning of a long frame, a search finds all of it", () => {
  const transcript = new Transcript();
  transcript.add("client", `{"a":"${"x".repeat(500)}secret"}`);
  expect(transcript.tail(1)).not.toContain("secret");
  expect(transcript.tail(1).length).toBeLessThan(410);
  expect(`${transcript}`).toContain("secret");
});
