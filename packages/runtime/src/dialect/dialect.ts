import { type CredentialFields, type Envelope, type ErrorPayload, LocalError } from "@arcp/core";
import type { Announcement } from "../announcement.ts";
import { forms } from "./form.ts";
import type { Profile } from "./profile.ts";
import type { Rejected, Situation } from "./rejection.ts";
import type { Rewrites } from "./rewriting.ts";

const ZERO_OFFSET = /[+-]00:00$/;

/**
 * The dialect of one connection's peer. Senders call it without asking who the peer is. It affects only the form of messages, never
 * which record has which number (P2).
 */
export class Dialect {
  #form;

  /** @throws LocalError `MISUSE` for an unknown profile */
  constructor(profile: Profile) {
    if (!Object.hasOwn(forms, profile)) {
      const names = Object.keys(forms).join(", ");
      throw new LocalError("MISUSE", `dialect: ${profile} is not one of ${names}`);
    }
    this.#form = forms[profile];
  }

  /** Corrects the dialect if a message shows that the peer was misidentified (R-D-3). */
  heard(type: string | undefined): void {
    if (!this.#form.doubtful) return;
    if (type === "session.close" || type === "session.resume") this.#form = forms.draft;
  }

  /** Converts a request to the form of the draft. */
  read(request: Envelope): Envelope {
    if (!this.#form.zeroOffset || request.type !== "job.submit") return request;
    const { lease_constraints: constraints, ...payload } = request.payload;
    const expires_at = constraints?.expires_at?.replace(ZERO_OFFSET, "Z");
    if (expires_at === undefined) return request;
    return { ...request, payload: { ...payload, lease_constraints: { expires_at } } };
  }

  /** The messages that answer a rejected request, in this order (R-5.4-2, R-D-4). */
  rejection(request: Rejected, error: ErrorPayload, situation: Situation): readonly Announcement[] {
    return this.#form.rejection(request, error, situation);
  }

  /** The last message before the connection is closed. @param id of the opening request that it answers, if any */
  refusal(id: string | undefined, error: ErrorPayload): readonly Announcement[] {
    return this.#form.refusal(id, error);
  }

  /** How the text of records is rewritten; undefined for the draft, whose frames are sent as written. */
  get rewrites(): Rewrites | undefined {
    return this.#form.rewrites;
  }

  credentials(all: readonly CredentialFields[]): readonly CredentialFields[] {
    return all.map(this.#form.credential).filter((one) => one !== undefined);
  }

  /** Whether the peer can be told of a job that it did not submit. @param submitting whether one of its submits is unanswered */
  introduces(submitting: boolean): boolean {
    const { introductions } = this.#form;
    return introductions === "always" || (introductions === "unless-submitting" && !submitting);
  }

  /** Whether the acceptances of jobs that the peer has seen nothing of are repeated after a resume (R-6.3-8). */
  get repeatsAcceptances(): boolean {
    return this.#form.repeatsAcceptances;
  }

  /** Whether the peer can be told that one subscription has ended while the session continues (R-6.3-17). */
  get losesSubscriptions(): boolean {
    return this.#form.losesSubscriptions;
  }

  /** The message sent before the runtime closes a connection in good order (R-6.7-6). */
  farewell(reason: string | undefined): Announcement {
    return { type: this.#form.farewell, payload: { reason } };
  }
}
