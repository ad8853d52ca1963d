import { type CredentialFields, isObject, ProvisionedCredential } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

type Rotation = JobEvent & { readonly kind: "status" };

/** The credentials that one job has by now, until it ends (R-9.8-13). */
export class HeldCredentials {
  readonly #byId = new Map<string, ProvisionedCredential>();

  /** The present ones, by id. */
  get all(): ReadonlyMap<string, ProvisionedCredential> {
    return new Map(this.#byId);
  }

  /** Takes what came with an acceptance or a subscription; what has a scheme that we do not know is ignored. */
  take(credentials: readonly CredentialFields[] = []): void {
    for (const fields of credentials) {
      if (fields.scheme === "bearer") this.#byId.set(fields.id, new ProvisionedCredential(fields));
    }
  }

  /** Takes the value out of the event that tells of a rotation: events are kept and printed. */
  read(event: JobEvent): JobEvent {
    if (!isRotation(event)) return event;
    // Go and Java put both fields into `details`, C# gives them longer names.
    const { value, details, credential_value, ...body } = event.body;
    const nested = isObject(details) ? details : {};
    const id = body["id"] ?? nested["id"] ?? body["credential_id"];
    const current = value ?? nested["value"] ?? credential_value;
    const former = typeof id === "string" ? this.#byId.get(id) : undefined;
    if (former !== undefined && typeof current === "string") {
      this.#byId.set(former.id, former.rotated(current));
    }
    return { ...event, body };
  }

  /** The job has ended, or is out of sight. */
  forget(): void {
    this.#byId.clear();
  }
}

function isRotation(event: JobEvent): event is Rotation {
  return event.kind === "status" && event.body.phase === "credential_rotated";
}
