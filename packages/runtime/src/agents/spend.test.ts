import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import type { ToolCall } from "./tool.ts";

async function spending(
  budget: string[],
  options: Parameters<typeof hosting>[0] = {},
  lease: object = {},
) {
  const host = hosting(options);
  const viewer = new Viewer(host.runtime);
  await viewer.hello();
  const job = await host.start(viewer, {
    lease_request: { "cost.budget": budget, "tool.call": ["*"], ...lease },
  });
  return { ...host, viewer, job };
}

const metrics = (viewer: Viewer): Array<[string, number, string]> =>
  viewer.stream
    .filter(({ payload }: Frame) => payload.kind === "metric")
    .map(({ payload: { body } }) => [body.name, body.value, body.unit]);

const CIRCLE: { self?: object } = {};
CIRCLE.self = CIRCLE;

test("R-9.6-13: a reservation that does not fit is refused before anything is spent; the error says what is left", async () => {
  const { job, viewer } = await spending(["USD:1.00"]);
  const first = job.ctx.spend.reserve({ USD: "0.75" });
  expect(() => job.ctx.spend.reserve({ USD: "0.26" })).toThrow(
    expect.objectContaining({
      code: "BUDGET_EXHAUSTED",
      message: "0.26 USD cannot be reserved: 0.25 USD are available",
      details: { currency: "USD", available: "0.25" },
    }),
  );
  expect(job.ctx.budget.remaining()).toEqual({ USD: "1" });
  expect(job.ctx.budget.available()).toEqual({ USD: "0.25" });
  first.release();
  expect(job.ctx.budget.available()).toEqual({ USD: "1" });
  await settled();
  expect(metrics(viewer)).toEqual([]);
});

test("R-9.6-13: settling charges exactly what was spent, and releases the rest", async () => {
  const { job, viewer } = await spending(["USD:1.00"]);
  const reservation = job.ctx.spend.reserve({ USD: "0.5" }, { name: "cost.search" });
  await reservation.settle({ USD: "0.123456789012345678" });
  expect(job.ctx.budget.available()).toEqual({ USD: "0.876543210987654322" });
  await expect(reservation.settle()).rejects.toMatchObject({ code: "MISUSE" });
  reservation.release();
  await job.ctx.flush();
  await settled();
  const records = viewer.stream.filter(({ payload }) => payload.kind === "metric");
  expect(records).toHaveLength(2);
  expect(metrics(viewer).map(([name]) => name)).toEqual(["cost.search", "cost.budget.remaining"]);
});

test("a settlement is reported whole however much is queued, and a second one that nobody awaits does no harm", async () => {
  const { job } = await spending(["USD:1", "EUR:1"]);
  await settled();
  const cost = job.ctx.spend.reserve({ USD: "0.5", EUR: "0.5" });
  for (let i = 0; i < 4096; i++) void job.ctx.log.info("x");
  await cost.settle();
  void cost.settle();
  void cost.settle({ USD: "wrong" });
  await settled();
  expect(job.ctx.budget.remaining()).toEqual({ USD: "0.5", EUR: "0.5" });
});

test("R-9.6-8: a reservation settled or released before the end of its job is not charged to ancestors after it", async () => {
  const { job, viewer, begun } = await spending(["USD:10"], {}, { "agent.delegate": ["led"] });
  const id = (await job.ctx.delegate("led", null, { lease: { "cost.budget": ["USD:5"] } })).id;
  const child = await begun.get(id)?.promise;
  if (child === undefined) throw new Error("unreachable");
  const [settledOne, released, left] = [1, 2, 3].map(() => child.ctx.spend.reserve({ USD: "1" }));
  await settledOne?.settle();
  released?.release();
  child.end();
  await viewer.terminal(id);
  for (const over of [settledOne, released]) await over?.settle();
  expect(job.ctx.budget.remaining()).toEqual({ USD: "9" });
  // The end released this one, and yet its purpose has cost something.
  await left?.settle();
  await left?.settle();
  expect(job.ctx.budget.remaining()).toEqual({ USD: "8" });
});

test("a reservation is settled as it was made, even if its object of amounts changes", async () => {
  const { job } = await spending(["USD:10"]);
  const amounts = { USD: "1" };
  const cost = job.ctx.spend.reserve(amounts);
  amounts.USD = "5";
  await cost.settle();
  expect(job.ctx.budget.remaining()).toEqual({ USD: "9" });
});

test("R-9.6-5: spending beyond the reservation is still recorded", async () => {
  const { job } = await spending(["USD:1.00"]);
  await job.ctx.spend.reserve({ USD: "0.5" }).settle({ USD: "1.25" });
  expect(job.ctx.budget.remaining()).toEqual({ USD: "-0.25" });
  expect(() => job.ctx.spend.reserve({ USD: "0.01" })).toThrow("must be above zero");
});

test("await using releases a reservation that was neither settled nor released", async () => {
  const { job } = await spending(["USD:1.00"]);
  {
    await using _held = job.ctx.spend.reserve({ USD: "1" });
    expect(job.ctx.budget.available()).toEqual({ USD: "0" });
  }
  expect(job.ctx.budget.available()).toEqual({ USD: "1" });
  {
    await using held = job.ctx.spend.reserve({ USD: "1" });
    await held.settle({ USD: "0.4" });
  }
  expect(job.ctx.budget.available()).toEqual({ USD: "0.6" });
});

test("R-9.6-13: of 100 parallel calls of a tool that reserve 0.05 of 1.00 each, exactly 20 run", async () => {
  let ran = 0;
  const search = async (_args: unknown, { spend }: ToolCall): Promise<void> => {
    await using cost = spend.reserve({ USD: "0.05" });
    ran += 1;
    await settled(3);
    await cost.settle();
  };
  const { job, viewer } = await spending(["USD:1.00"], { tools: { search } });
  const calls = Array.from({ length: 100 }, () => job.ctx.tools.call("search"));
  const outcomes = await Promise.allSettled(calls);
  expect(ran).toBe(20);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
  const refusals = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason.code] : [],
  );
  expect(new Set(refusals)).toEqual(new Set(["BUDGET_EXHAUSTED"]));
  expect(job.ctx.budget.remaining()).toEqual({ USD: "0" });
  job.end(null);
  await viewer.terminal(job.id);
  const results = viewer.stream.filter(({ payload }) => payload.kind === "tool_result");
  expect(results).toHaveLength(100);
});

test("R-9.3-1: a job that is being cancelled or has ended can reserve nothing, and leaves no reservation open", async () => {
  const { job, viewer } = await spending(["USD:1.00"]);
  const open = job.ctx.spend.reserve({ USD: "0.5" });
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  expect(() => job.ctx.spend.reserve({ USD: "0.1" })).toThrow("no longer active");
  await open.settle({ USD: "0.2" });
  job.end(null);
  await viewer.terminal(job.id);
  expect(job.ctx.budget.available()).toEqual({ USD: "0.8" });
  expect(job.ctx.budget.remaining()).toEqual({ USD: "0.8" });
  await open.settle({ USD: "0.2" });
  expect(job.ctx.budget.remaining()).toEqual({ USD: "0.8" });
});

test.each([
  [{ USD: "-1" }],
  [{ USD: "1e3" }],
  [{ USD: "" }],
  [{ USD: "NaN" }],
  [{ "": "1" }],
  [{ USD: 1 as unknown as string }],
  [{ USD: null as unknown as string }],
  [{ USD: 1n as unknown as string }],
  [{ USD: [1n] as unknown as string }],
  [{ USD: CIRCLE as unknown as string }],
  [null as unknown as Record<string, string>],
  ["USD:0.50" as unknown as Record<string, string>],
  // A map's entries are not its properties.
  [new Map([["USD", "1"]]) as unknown as Record<string, string>],
])(
  "R-9.6-4: %o can be neither reserved nor settled, since it is not an amount",
  async (amounts) => {
    const { job } = await spending(["USD:1.00"]);
    expect(() => job.ctx.spend.reserve(amounts)).toThrow("is not an amount");
    const reservation = job.ctx.spend.reserve({ USD: "0.5" });
    await expect(reservation.settle(amounts)).rejects.toThrow("is not an amount");
    expect(job.ctx.budget.available()).toEqual({ USD: "0.5" });
  },
);

test.each(["spend", "cost", "cost.budget.remaining", "cost.budget.x", "cost."])(
  "R-8.2-3: %s is not a valid name of a cost",
  async (name) => {
    const { job } = await spending(["USD:1.00"]);
    expect(() => job.ctx.spend.reserve({ USD: "0.5" }, { name })).toThrow(
      "is not the name of a cost",
    );
  },
);

test.each([
  { name: 7n },
  { name: Symbol("cost.search") },
  { name: ["cost.search"] },
  { dimensions: { page: 7 } },
  { dimensions: "all" },
])("R-8.1-2: no money is set aside for a cost that could not be reported: %o", async (options) => {
  const { job, viewer } = await spending(["USD:1"]);
  const odd = options as unknown as { dimensions: Record<string, string> };
  expect(() => job.ctx.spend.reserve({ USD: "0.5" }, odd)).toThrow(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/^metric/),
    }),
  );
  const dimensions: Record<string, string> = { page: "7" };
  const held = job.ctx.spend.reserve({ USD: "0.5" }, { dimensions });
  dimensions["page"] = 8 as never;
  await held.settle();
  await settled();
  const costs = viewer.stream.filter(({ payload }) => payload.body?.name === "cost.spend");
  expect(costs.map(({ payload }) => payload.body.dimensions)).toEqual([{ page: "7" }]);
});

test("R-5.3-6: a reservation of many currencies does not make a long message", async () => {
  const { job } = await spending(["C0:1"]);
  const amounts = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`C${i}`, "2.5"]));
  const short = expect.objectContaining({
    code: "BUDGET_EXHAUSTED",
    message: expect.stringMatching(
      /^2\.5 C0 and .{180,200}… cannot be reserved: 1 C0 are available$/,
    ),
  });
  expect(() => job.ctx.spend.reserve(amounts)).toThrow(short);
});

test("R-9.6-13 and R-4.1-7: no money is set aside for a cost too large to be reported", async () => {
  const { job } = await spending(["USD:1"]);
  const long = "€".repeat(400_000);
  const given = [{ dimensions: { page: long } }, { name: `cost.${long}` }];
  for (const options of given) {
    expect(() => job.ctx.spend.reserve({ USD: "0.5" }, options)).toThrow(
      expect.objectContaining({
        code: "INVALID_REQUEST",
        message: "the name and the dimensions of a cost may have at most 65536 bytes of JSON",
      }),
    );
  }
  expect(job.ctx.budget.available()).toEqual({ USD: "1" });
});
