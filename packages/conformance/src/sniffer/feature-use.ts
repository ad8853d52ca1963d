import { catalogue } from "@arcp/core";
import { at } from "../json-object.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report, Sender } from "./violation.ts";

/** Checks that a frame uses only what both peers agreed on (R-6.2-2, R-6.2-5). */
export function checkFeatureUse(
  { raw, message }: SniffedFrame,
  sender: Sender,
  features: ReadonlySet<string>,
  report: Report,
): void {
  const payload = raw.payload;
  const rule = sender === "runtime" ? "R-6.2-5" : "R-6.2-2";
  const needs = (feature: string, what: string): void => {
    if (!features.has(feature)) report(rule, `${what} needs the feature ${feature}`);
  };
  const { feature } = catalogue[message.type];
  if (feature !== undefined && !features.has(feature)) {
    report("R-6.2-2", `${message.type} needs the feature ${feature}`);
  }
  switch (message.type) {
    case "session.ping":
      if (!features.has("heartbeat")) report("R-6.2-2", "a ping needs the feature heartbeat");
      return;
    case "job.submit":
      if (at(payload, "lease_constraints.expires_at") !== undefined) {
        needs("lease_expires_at", "expires_at");
      }
      for (const name of ["cost.budget", "model.use"]) {
        if (namespaceOf(payload, name)) needs(name, name);
      }
      if (message.payload.agent.includes("@")) needs("agent_versions", "a pinned version");
      return;
    case "job.accepted":
    case "job.subscribed":
      if (message.payload.credentials !== undefined) {
        needs("provisioned_credentials", "credentials");
      }
      return;
    case "job.event":
      if (message.payload.kind === "progress") needs("progress", "progress");
      if (message.payload.kind === "result_chunk") needs("result_chunk", "result_chunk");
      if (message.payload.kind === "metric") {
        const name = message.payload.body.name;
        if (name === "cost.budget.remaining") needs("cost.budget", name);
      }
      if (
        message.payload.kind === "status" &&
        message.payload.body.phase === "credential_rotated"
      ) {
        needs("provisioned_credentials", "credential_rotated");
      }
      return;
    case "job.result":
      if (message.payload.result_id !== undefined) needs("result_chunk", "result_id");
      return;
  }
}

function namespaceOf(payload: unknown, namespace: string): boolean {
  const lease = at(payload, "lease_request");
  return typeof lease === "object" && lease !== null && Object.hasOwn(lease, namespace);
}
