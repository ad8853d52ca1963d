import { expect, test } from "vitest";
import { teamPolicy } from "./team-policy.ts";

const policy = teamPolicy({
  alice: { team: "red", agents: ["notes"], credits: 100 },
  bob: { team: "red", agents: [], credits: 0 },
  carol: { team: "blue", agents: ["notes"], credits: 10 },
});
const job = { id: "job_1", principal: "alice", agent: "notes@1.0.0" };

test("a job is visible to its submitter's team", () => {
  expect(policy.mayObserve?.("bob", job)).toBe(true);
  expect(policy.mayObserve?.("carol", job)).toBe(false);
  // Two strangers are not a team.
  expect(policy.mayObserve?.("mallory", { ...job, principal: "eve" })).toBe(false);
});

test("an agent is for those who may use it", () => {
  expect(policy.maySubmit?.("alice", "notes")).toBe(true);
  expect(policy.maySubmit?.("bob", "notes")).toBe(false);
  expect(policy.maySubmit?.("constructor", "notes")).toBe(false);
});

test("a budget is cut to what is allowed, and set if none was requested", () => {
  const granted = (amounts?: string[]) =>
    policy.grant?.(
      "alice",
      { "fs.read": ["/x"], ...(amounts && { "cost.budget": amounts }) },
      "notes",
    );
  expect(granted(["credits:20.50"])).toEqual({
    "fs.read": ["/x"],
    "cost.budget": ["credits:20.50"],
  });
  expect(granted(["credits:1000"])).toEqual({ "fs.read": ["/x"], "cost.budget": ["credits:100"] });
  expect(granted()).toEqual({ "fs.read": ["/x"], "cost.budget": ["credits:100"] });
  expect(granted(["EUR:2", "credits:1000"])).toEqual({
    "fs.read": ["/x"],
    "cost.budget": ["EUR:2", "credits:100"],
  });
});
