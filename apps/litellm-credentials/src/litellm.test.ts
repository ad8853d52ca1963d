import { ManualClock, newCredentialAlias, newJobId, newTraceId } from "@arcp/core";
import type { CredentialOrder, Provisioner } from "@arcp/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { litellm } from "./litellm.ts";
import { LitellmProxy } from "./proxy.ts";

const MASTER = "sk-the-master-key";
const clock = new ManualClock();
let proxy: LitellmProxy;
let url: string;
let provisioner: Provisioner;
beforeEach(async () => {
  proxy = new LitellmProxy(MASTER);
  url = await proxy.listen();
  provisioner = litellm({ url, masterKey: MASTER, clock });
});
afterEach(() => proxy[Symbol.asyncDispose]());

const { signal } = new AbortController();
const order = (rest: Partial<CredentialOrder> = {}): CredentialOrder => ({
  alias: newCredentialAlias(),
  job: { id: newJobId(), principal: "alice", agent: "owl@1", traceId: newTraceId() },
  lease: {},
  budget: { USD: "1.25", EUR: "3" },
  models: ["mistral/*"],
  expiresAt: clock.now() + 90_500,
  signal,
  ...rest,
});

test("R-9.8-3: a key carries the job's budget in USD, its models and its expiry", async () => {
  const asked = order();
  const issued = await provisioner.issue(asked);
  const key = proxy.keys.get(asked.alias);
  expect(key).toMatchObject({
    key_alias: asked.alias,
    max_budget: 1.25,
    models: ["mistral/*"],
    duration: "91s",
    metadata: { arcp_job: asked.job.id, arcp_principal: "alice", arcp_agent: "owl@1" },
  });
  expect(issued).toEqual({
    value: key?.key,
    endpoint: `${url}/v1`,
    profile: "openai",
    constraints: {
      "cost.budget": ["USD:1.25"],
      "model.use": ["mistral/*"],
      expires_at: new Date(clock.now() + 90_500).toISOString(),
    },
  });
});

test("a job without models gets no key, since that would allow all of them", async () => {
  expect(await provisioner.issue(order({ models: [] }))).toBeUndefined();
  expect(proxy.keys.size).toBe(0);
});

test("a key has no bounds that the job does not have", async () => {
  const asked = order({ budget: {}, expiresAt: undefined });
  expect((await provisioner.issue(asked))?.constraints).toEqual({ "model.use": ["mistral/*"] });
  expect(proxy.keys.get(asked.alias)).not.toHaveProperty("max_budget");
  expect(proxy.keys.get(asked.alias)).not.toHaveProperty("duration");
});

test("R-9.8-6: a key is deleted by its alias, and a missing one is reported", async () => {
  const asked = order();
  await provisioner.issue(asked);
  expect(await provisioner.revoke(asked.alias, signal)).toBe(true);
  expect(proxy.keys.size).toBe(0);
  expect(await provisioner.revoke(asked.alias, signal)).toBe(false);
});

const quoting = { error: { type: "auth_error", message: `bad key ${MASTER}` } };
test.each([
  [{ status: 400, body: { error: { type: "budget_exceeded" } } }, "BUDGET_EXHAUSTED"],
  [{ status: 401, body: quoting }, "INTERNAL_ERROR"],
  [{ status: 429 }, "INTERNAL_ERROR"],
  [{ status: 500, body: quoting }, undefined],
  [{ status: 408 }, undefined],
  [{ status: 200, body: { key: null } }, undefined],
  [{ status: 307 }, undefined],
])("R-9.8-5, R-9.8-10: %j is a refusal only if the proxy made nothing", async (answer, code) => {
  proxy.answer = answer;
  const error: unknown = await provisioner.issue(order()).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect((error as { code?: string }).code).toBe(code);
  expect(String(error)).not.toContain(MASTER);
});

test.each([500, 401, 429, 503])(
  "R-9.8-8: a key may be alive after an answer of %i",
  async (status) => {
    proxy.answer = { status, body: quoting };
    await expect(provisioner.revoke("any", signal)).rejects.toMatchObject({ status });
  },
);

test.each([{ status: 404 }, { status: 404, body: { detail: "Not Found" } }])(
  "R-9.8-8: a 404 that is not from the proxy itself, %j, says nothing about a key",
  async (answer) => {
    proxy.answer = answer;
    await expect(provisioner.revoke("any", signal)).rejects.toMatchObject({ status: 404 });
  },
);
