import { type CredentialFields, isObject, ProvisionedCredential } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

/** Read like an event that this client does not know, because even an invalid one may hold a secret. */
type Doubtful = JobEvent & { readonly kind: "opaque" };

/** The current credentials of one job, until it ends (R-9.8-13). */
export class HeldCredentials {
  readonly #byId = new Map<string, ProvisionedCredential>();

  /** The current credentials, by id. */
  get all(): ReadonlyMap<string, ProvisionedCredential> {
    return new Map(this.#byId);
  }

  /** Takes the credentials of an acceptance or a subscription; ignores those with an unknown scheme. */
  take(credentials: readonly CredentialFields[] = []): void {
    for (const fields of credentials) {
      if (fields.scheme === "bearer") this.#byId.set(fields.id, new ProvisionedCredential(fields));
    }
  }

  /** Moves the secret value out of a rotation event, even an invalid one, since events are kept and printed. */
  read(event: JobEvent): JobEvent {
    if (!mayRotate(event)) return event;
    const { kind, body } = event;
    // What has not even the form of an event is passed on with its whole payload.
    const inner = kind === "opaque" && this.#rotated(body["body"]);
    const shown = inner ? { ...body, body: inner } : this.#rotated(body);
    return shown ? { ...event, body: shown } : event;
  }

  /** Forgets all, once the job has ended or is out of sight. */
  forget(): void {
    this.#byId.clear();
  }

  /** @returns the body of a rotation without its value; undefined if it is none */
  #rotated(rotation: unknown): Record<string, unknown> | undefined {
    if (!isObject(rotation) || rotation["phase"] !== "credential_rotated") return undefined;
    // Go and Java put both fields into `details`, C# gives them longer names.
    const { value, details, credential_value, ...body } = rotation;
    const nested = isObject(details) ? details : {};
    const id = body["id"] ?? nested["id"] ?? body["credential_id"];
    const current = value ?? nested["value"] ?? credential_value;
    const former = typeof id === "string" ? this.#byId.get(id) : undefined;
    if (former !== undefined && typeof current === "string") {
      this.#byId.set(former.id, former.rotated(current));
    }
    return body;
  }
}

/** An unreadable event need not tell its kind. One of another kind is the agent's. */
function mayRotate(event: JobEvent): event is Doubtful {
  return (
    event.kind === "status" || (event.kind === "opaque" && ["status", ""].includes(event.name))
  );
}
