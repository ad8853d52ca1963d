import { ArcpError, type Envelope, newMessageId } from "@arcp/core";
import { admitChild } from "../agents/child-admission.ts";
import { runAgent } from "../agents/run.ts";
import { shown } from "../agents/shown.ts";
import type { Secrets } from "../authority/secrets.ts";
import { acceptanceOf } from "../jobs/acceptance.ts";
import type { UsedKey } from "../jobs/admission.ts";
import { wireError } from "../jobs/ending.ts";
import type { Session } from "../session/session.ts";
import type { SubmitReply } from "../session/submit-log.ts";
import type { Services } from "./services.ts";

/** Creates a job that a client delegates on behalf of one of its own jobs (R-D-12). */
export async function createChild(
  services: Services,
  session: Session,
  { id, payload }: Envelope<"job.submit">,
  used: UsedKey | undefined,
): Promise<SubmitReply> {
  const { parent_job_id, agent, input, lease_request, lease_constraints, max_runtime_sec } =
    payload;
  const parent = parent_job_id && services.jobs.get(parent_job_id);
  if (!parent?.live || parent.session !== session.id) {
    throw new ArcpError(
      "INVALID_REQUEST",
      "payload.parent_job_id: is not a running job that this session owns",
    );
  }
  const wanted = {
    // What the client calls its request may be what the runtime calls a tool call, or another session called its own.
    delegate_id: newMessageId("del_"),
    agent,
    input: shown(input),
    lease_request,
    lease_constraints,
    max_runtime_sec,
  };
  const making = session.submits.unsaid.making((job) =>
    admitChild(services, parent, wanted, input, { id: job, request: id, used }),
  );
  const delegated = await making.catch((error) => {
    throw withoutSecrets(error, parent.secrets);
  });
  const begin = (): void => {
    session.own(delegated.child.id);
    void runAgent(delegated.child, delegated.agent, delegated.input, services);
  };
  return { kind: "accepted", announcement: acceptanceOf(delegated.row), begin };
}

/** Removes secrets before a refusal is logged and stored: an agent's schema may quote the input (R-9.8-10). */
function withoutSecrets(thrown: unknown, secrets: Secrets): unknown {
  if (!secrets.any || !(thrown instanceof ArcpError)) return secrets.cleanError(thrown);
  return ArcpError.fromPayload(JSON.parse(secrets.clean(JSON.stringify(wireError(thrown)))));
}
