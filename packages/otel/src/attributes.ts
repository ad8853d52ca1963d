import type { JobAttempt, Operation } from "@arcp/runtime";
import type { Attributes } from "@opentelemetry/api";

// Names: those of R-11-6 of the protocol, then those of OpenTelemetry's semantic conventions, then our own below `arcp.`.

/** What every span of a job says about the job (R-11-6). */
export function jobAttributes({ id, session, agent, lease, expiresAt }: JobAttempt): Attributes {
  return {
    "arcp.session_id": session,
    "arcp.job_id": id,
    "arcp.agent": agent,
    "arcp.lease.capabilities": Object.keys(lease),
    ...(expiresAt !== undefined && {
      "arcp.lease.expires_at": new Date(expiresAt).toISOString(),
    }),
  };
}

/** What remains of a budget, in the JSON form of the protocol: numbers with exactly these digits. */
export function budgetAttributes(remaining: JobAttempt["remaining"]): Attributes {
  if (remaining === undefined) return {};
  const amounts = Object.entries(remaining).map(
    ([unit, text]) => `${JSON.stringify(unit)}:${text}`,
  );
  return { "arcp.budget.remaining": `{${amounts.join(",")}}` };
}

/** What an operation is, and what it acts on. */
export function operationAttributes({ name, target, method }: Operation): Attributes {
  return {
    "arcp.operation": name,
    "arcp.operation.target": target,
    ...conventional(name, target, method),
  };
}

function conventional(name: string, target: string, method: string | undefined): Attributes {
  switch (name) {
    case "tool.call":
      return { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": target };
    case "model.use":
      return { "gen_ai.request.model": target };
    case "agent.delegate":
      return { "gen_ai.agent.name": target };
    case "net.fetch":
      return { "http.request.method": method ?? "GET", "url.full": target };
    case "fs.read":
    case "fs.write":
    case "fs.list":
    case "fs.stat":
      return { "file.path": target };
    default:
      return {};
  }
}
