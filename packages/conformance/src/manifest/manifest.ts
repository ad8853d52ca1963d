import { acknowledgement } from "./acknowledgement.ts";
import { agentVersion } from "./agent-version.ts";
import { budget } from "./budget.ts";
import { close } from "./close.ts";
import { correlation } from "./correlation.ts";
import { credential } from "./credential.ts";
import { delegation } from "./delegation.ts";
import { dialect } from "./dialect.ts";
import { error } from "./error.ts";
import { extensionName } from "./extension-name.ts";
import { handshake } from "./handshake.ts";
import { heartbeat } from "./heartbeat.ts";
import { jobEvent } from "./job-event.ts";
import { leaseEnforcement } from "./lease-enforcement.ts";
import { leaseGrammar } from "./lease-grammar.ts";
import { lifecycle } from "./lifecycle.ts";
import { listing } from "./listing.ts";
import { model } from "./model.ts";
import type { RequirementRow } from "./requirement-row.ts";
import { resume } from "./resume.ts";
import { scenario } from "./scenario.ts";
import { security } from "./security.ts";
import { submission } from "./submission.ts";
import { subscription } from "./subscription.ts";
import { trace } from "./trace.ts";
import { transport } from "./transport.ts";
import { wireFormat } from "./wire-format.ts";

const rows = [
  ...transport,
  ...wireFormat,
  ...correlation,
  ...handshake,
  ...resume,
  ...heartbeat,
  ...acknowledgement,
  ...listing,
  ...close,
  ...submission,
  ...lifecycle,
  ...agentVersion,
  ...subscription,
  ...jobEvent,
  ...leaseGrammar,
  ...leaseEnforcement,
  ...budget,
  ...model,
  ...credential,
  ...delegation,
  ...trace,
  ...error,
  ...scenario,
  ...security,
  ...extensionName,
  ...dialect,
] as const;

/** The id of a requirement of the protocol, such as `R-6.3-9`. */
export type RequirementId = (typeof rows)[number]["id"];

/** A requirement of the protocol, as data. */
export interface Requirement extends RequirementRow {
  readonly id: RequirementId;
}

/** Every requirement of the protocol, in the order of its reference. */
export const manifest: readonly Requirement[] = rows;

const ids: ReadonlySet<string> = new Set(rows.map((row) => row.id));

/** Whether the manifest has a requirement of this id. */
export function isRequirementId(text: string): text is RequirementId {
  return ids.has(text);
}
