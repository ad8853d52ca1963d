import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";
import { SdkClient, type SdkFrame } from "../sdk-client.ts";
import type { SdkName } from "../sdk-form.ts";
import type { Site } from "../site.ts";

const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";
const sdks: readonly SdkName[] = ["typescript", "java", "go", "csharp"];

/** A frame in short: its type, `as` its id if that is a request's, `on` the job that it is about, and the request that it names. */
function words(frames: readonly SdkFrame[], request: string, jobs: Record<string, string>): string {
  const word = ({ type, id, job_id, payload }: SdkFrame): string => {
    const named = Object.entries(jobs).find(([, job]) => job === (job_id ?? payload.job_id))?.[0];
    const job = job_id ?? payload.job_id;
    return [
      type,
      job === undefined ? "" : ` on ${named ?? "fresh"}`,
      id === request ? " as it" : "",
      payload.request_id === request ? " to it" : "",
      type === "session.jobs" ? `, ${payload.jobs.length} jobs` : "",
    ].join("");
  };
  return frames.map(word).join("; ") || "nothing";
}

/** The rows of the rejection table for a client with a running job, and for one without. */
type Cells = Readonly<Record<"submit" | "list" | "cancel" | "unknown", readonly [string, string]>>;

const both = (cell: string): readonly [string, string] => [cell, cell];
const table: Readonly<Record<SdkName, Cells>> = {
  go: {
    submit: both("session.error to it"),
    list: both("session.error to it"),
    cancel: both("session.error to it"),
    unknown: both("session.error to it"),
  },
  java: {
    submit: both("job.error as it; session.error to it"),
    list: both("job.error as it; session.error to it"),
    cancel: both("job.error on target as it; session.error on target to it"),
    unknown: both("job.error as it; session.error to it"),
  },
  typescript: {
    submit: both("job.error on fresh to it"),
    list: both("session.jobs to it, 0 jobs"),
    cancel: both("job.error on target"),
    unknown: both("nothing"),
  },
  csharp: {
    submit: ["session.error to it", "job.accepted on fresh to it; job.error on fresh"],
    list: ["session.error to it", "session.jobs to it, 0 jobs"],
    cancel: ["session.error to it", "nothing"],
    unknown: ["session.error to it", "nothing"],
  },
};

/** The rejection of each kind of request, in short. @param expected how many frames to wait for */
async function rejections(
  client: SdkClient,
  expected: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const told = async (cell: keyof Cells, request: Promise<string>): Promise<string> => {
    const id = await request;
    const count = expected[cell] === "nothing" ? 0 : (expected[cell]?.split("; ").length ?? 0);
    const frames: SdkFrame[] = [];
    while (frames.length < count) frames.push(await client.next());
    return words([...frames, ...(await client.rest())], id, { target: UNKNOWN });
  };
  return {
    submit: await told(
      "submit",
      client.send("job.submit", { agent: "conformance.nobody", input: null }),
    ),
    list: await told("list", client.send("session.list_jobs", { cursor: "xyz" })),
    cancel: await told("cancel", client.about("job.cancel", UNKNOWN)),
    unknown: await told("unknown", client.send("session.foo")),
  };
}

function column(cells: Cells, live: boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(cells).map(([request, [idle, running]]) => [request, live ? running : idle]),
  );
}

/** Starts a script that waits at a gate, and reads what comes before that. */
async function running(site: Site, client: SdkClient) {
  const gate = site.gate();
  await client.submit([{ do: "thought", text: "on" }, gate.step]);
  const frames = await client.until(({ payload }) => payload.kind === "thought");
  return { gate, id: frames[0]?.["job_id"] as string };
}

const kind = (frames: readonly SdkFrame[], wanted: string) =>
  frames.filter(({ payload }) => payload.kind === wanted).map(({ payload }) => payload.body);

export const dialect: readonly Scenario[] = [
  ...sdks.map(
    (sdk): Scenario => ({
      name: `the client of ${sdk} has its requests rejected in the form that it understands, with or without a running job`,
      verifies: sdk === "go" || sdk === "java" ? ["R-D-2", "R-D-4"] : ["R-D-2", "R-D-4", "R-D-5"],
      async play(site) {
        const client = await SdkClient.greeted(site, sdk);
        const idle = column(table[sdk], false);
        assert.deepEqual(await rejections(client, idle), idle);
        const { gate, id } = await running(site, client);
        const live = column(table[sdk], true);
        assert.deepEqual(await rejections(client, live), live);
        await gate.open();
        const end = (await client.until(({ type }) => type !== "job.event")).at(-1);
        assert.equal(end?.["type"], "job.result", "R-D-4: no rejection ends a job that it has");
        assert.equal(end?.["job_id"], id);
      },
    }),
  ),
  {
    name: "a client that offers a vendor's feature is a draft client, whatever it calls itself",
    verifies: ["R-D-2"],
    async play(site) {
      for (const sdk of sdks) {
        const client = await SdkClient.greeted(site, sdk, ["x-vendor.acme.profiling"]);
        const draft = {
          submit: "session.error to it",
          list: "session.error to it",
          cancel: "session.error on target to it",
          unknown: "session.error to it",
        };
        assert.deepEqual(await rejections(client, draft), draft);
      }
    },
  },
  {
    name: "a client classed as typescript or csharp that sends session.close is answered as a draft client",
    verifies: ["R-D-3"],
    async play(site) {
      for (const sdk of ["typescript", "csharp"] as const) {
        const client = await SdkClient.greeted(site, sdk);
        const id = await client.send("session.close", { reason: "done" });
        const { type, payload } = await client.next();
        assert.deepEqual([type, payload.request_id], ["session.closed", id]);
      }
    },
  },
  {
    name: "each SDK gets results, metrics and progress in the form that it reads",
    verifies: ["R-D-1"],
    async play(site) {
      for (const sdk of sdks) {
        const client = await SdkClient.greeted(site, sdk);
        const dimensions = { engine: "x" };
        const frames = await client.played([
          { do: "progress", current: 1.5, total: 3 },
          { do: "metric", name: "words", value: 2, dimensions },
          { do: "return", value: { n: 1 } },
        ]);
        const whole = sdk !== "typescript";
        assert.deepEqual(kind(frames, "progress"), [{ current: whole ? 1 : 1.5, total: 3 }], sdk);
        const dims = sdk === "typescript" ? { dims: dimensions } : {};
        assert.deepEqual(kind(frames, "metric"), [
          { name: "words", value: 2, dimensions, ...dims },
        ]);
        const output = sdk === "go" ? { output: { n: 1 } } : {};
        const payload = { final_status: "success", result: { n: 1 }, ...output };
        assert.deepEqual(frames.at(-1)?.["payload"], payload, sdk);
      }
    },
  },
  {
    name: "the acceptance of a delegated job is sent to SDKs that understand it, and to no others",
    verifies: ["R-D-1"],
    async play(site) {
      for (const sdk of sdks) {
        const client = await SdkClient.greeted(site, sdk);
        const script = { steps: [] };
        await client.submit(
          [
            { do: "delegate", agent: "conformance.script", input: script, outcome: true },
            { do: "return", value: null },
          ],
          { lease_request: { "agent.delegate": ["conformance.script"] } },
        );
        // The ends of both jobs, in either order: the acceptance precedes everything else of the child.
        let ends = 0;
        const frames = await client.until(({ type }) => type === "job.result" && ++ends === 2);
        const child = kind(frames, "delegate")[0]?.child_job_id;
        const accepted = frames.filter(
          ({ type, job_id }) => type === "job.accepted" && job_id === child,
        );
        assert.equal(accepted.length, sdk === "typescript" ? 1 : 0, sdk);
      }
    },
  },
  {
    name: "a submit with parent_job_id is a delegation by that job, if the session owns it",
    verifies: ["R-D-12"],
    async play(site) {
      const client = await SdkClient.greeted(site, "csharp");
      const gate = site.gate();
      await client.submit([{ do: "thought", text: "on" }, gate.step], {
        lease_request: { "agent.delegate": ["conformance.script"] },
      });
      const [accepted] = await client.until(({ payload }) => payload.kind === "thought");
      const parent = accepted?.["job_id"];
      const request = await client.submit([], { parent_job_id: parent });
      const answer = await client.until(({ payload }) => payload.request_id === request);
      assert.equal(answer.at(-1)?.["payload"].parent_job_id, parent);
      await gate.open();
      // The ends of both jobs, in either order: a client with a live job is refused otherwise.
      let ends = 0;
      await client.until(({ type }) => type === "job.result" && ++ends === 2);
      const foreign = await site.greeted({ who: "second" });
      const { id } = await site.play(foreign, [gate.step]);
      const refused = await client.submit([], { parent_job_id: id });
      const error = (await client.until(({ payload }) => payload.request_id === refused)).at(-1);
      assert.equal(error?.["payload"].code, "INVALID_REQUEST", "a parent of somebody else");
    },
  },
];
