import { setImmediate as turn } from "node:timers/promises";
import type { Transport } from "@arcp/core";
import { expect, test } from "vitest";
import { House, longSettings } from "../../../test/house.ts";
import { runConformance } from "../conformance-run.ts";
import type { Target } from "../target.ts";
import { keptLog } from "./kept-log.ts";

test("a kit that reads slowly does not report that a viewer fell behind", async () => {
  await using house = await House.open("memory on memory", longSettings);
  const target: Target = {
    tokens: house.tokens,
    async connect() {
      const line = await house.connect();
      return {
        transport: slow(line.transport),
        sever: () => line.sever(),
        stall: () => line.stall(),
        release: () => line.release(),
      };
    },
  };
  const { outcomes } = await runConformance(target, { only: ["6.3-17"], scenarios: keptLog });
  expect(outcomes.map(({ kind }) => kind)).toEqual(["passed", "passed"]);
});

/** Takes one frame per turn of the event loop. */
function slow(transport: Transport): Transport {
  async function* frames(): AsyncGenerator<string> {
    for await (const frame of transport.frames) {
      await turn();
      yield frame;
    }
  }
  return {
    frames: frames(),
    send: (sent) => transport.send(sent),
    close: (reason) => transport.close(reason),
  };
}
