import { type CredentialFields, type Envelope, type ErrorPayload, LocalError } from "@arcp/core";
import type { Announcement } from "../announcement.ts";
import { forms } from "./form.ts";
import type { Profile } from "./profile.ts";
import type { Rejected, Situation } from "./rejection.ts";
import type { Rewrites } from "./rewriting.ts";

const ZERO_OFFSET = /[+-]00:00$/;

/**
 * How one connection's peer is spoken to. Whoever has something to say calls this and never asks who is there; what a
 * client is told under which number does not depend on it, only the form does (P2).
 */
export class Dialect {
  #form;

  /** @throws LocalError `MISUSE` for a profile that there is not */
  constructor(profile: Profile) {
    if (!Object.hasOwn(forms, profile)) {
      const names = Object.keys(forms).join(", ");
      throw new LocalError("MISUSE", `dialect: ${profile} is not one of ${names}`);
    }
    this.#form = forms[profile];
  }

  /** What the peer sends may tell that it was mistaken for somebody else (R-D-3). */
  heard(type: string | undefined): void {
    if (!this.#form.doubtful) return;
    if (type === "session.close" || type === "session.resume") this.#form = forms.draft;
  }

  /** A request as the draft would have it. */
  read(request: Envelope): Envelope {
    if (!this.#form.zeroOffset || request.type !== "job.submit") return request;
    const { lease_constraints: constraints, ...payload } = request.payload;
    const expires_at = constraints?.expires_at?.replace(ZERO_OFFSET, "Z");
    if (expires_at === undefined) return request;
    return { ...request, payload: { ...payload, lease_constraints: { expires_at } } };
  }

  /** What is said to a rejected request, in this order (R-5.4-2, R-D-4). */
  rejection(request: Rejected, error: ErrorPayload, situation: Situation): readonly Announcement[] {
    return this.#form.rejection(request, error, situation);
  }

  /** The last word before the connection is closed. @param id of the opening request that it answers, if it answers one */
  refusal(id: string | undefined, error: ErrorPayload): readonly Announcement[] {
    return this.#form.refusal(id, error);
  }

  /** What becomes of the text of records; undefined for the draft, whose frames are sent as they were written. */
  get rewrites(): Rewrites | undefined {
    return this.#form.rewrites;
  }

  credentials(all: readonly CredentialFields[]): readonly CredentialFields[] {
    return all.map(this.#form.credential).filter((one) => one !== undefined);
  }

  /** Whether the peer can be told of a job that it did not submit. @param submitting a submit of it has no answer yet */
  introduces(submitting: boolean): boolean {
    const { introductions } = this.#form;
    return introductions === "always" || (introductions === "unless-submitting" && !submitting);
  }

  /** Whether the peer is told once more, after a resume, of jobs that it has seen nothing of (R-6.3-8). */
  get repeatsAcceptances(): boolean {
    return this.#form.repeatsAcceptances;
  }

  /** Whether the peer can be told that one subscription has ended and the session has not (R-6.3-17). */
  get losesSubscriptions(): boolean {
    return this.#form.losesSubscriptions;
  }

  /** What is said before the runtime ends a connection in good order (R-6.7-6). */
  farewell(reason: string | undefined): Announcement {
    return { type: this.#form.farewell, payload: { reason } };
  }
}
