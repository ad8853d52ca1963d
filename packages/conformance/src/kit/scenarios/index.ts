import type { Scenario } from "../scenario.ts";
import { acknowledgement } from "./ack.ts";
import { agentVersion } from "./agent-version.ts";
import { authentication } from "./authentication.ts";
import { backPressure } from "./back-pressure.ts";
import { budget } from "./budget.ts";
import { cancelAuthority } from "./cancel-authority.ts";
import { cancellation } from "./cancellation.ts";
import { childLease } from "./child-lease.ts";
import { close } from "./close.ts";
import { correlation } from "./correlation.ts";
import { credential } from "./credential.ts";
import { delegation } from "./delegation.ts";
import { dialect } from "./dialect.ts";
import { enforcement } from "./enforcement.ts";
import { envelope } from "./envelope.ts";
import { error } from "./error.ts";
import { event } from "./event.ts";
import { expiry } from "./expiry.ts";
import { extensionName } from "./extension-name.ts";
import { feature } from "./feature.ts";
import { handshake } from "./handshake.ts";
import { heartbeat } from "./heartbeat.ts";
import { idempotency } from "./idempotency.ts";
import { jobEnding } from "./job-ending.ts";
import { jsonProfile } from "./json-profile.ts";
import { keptLog } from "./kept-log.ts";
import { lease } from "./lease.ts";
import { lifecycle } from "./lifecycle.ts";
import { listJobs } from "./list-jobs.ts";
import { malformed } from "./malformed.ts";
import { messageSize } from "./message-size.ts";
import { model } from "./model.ts";
import { numbering } from "./numbering.ts";
import { parentEnd } from "./parent-end.ts";
import { path } from "./path.ts";
import { pattern } from "./pattern.ts";
import { resubmission } from "./resubmission.ts";
import { resume } from "./resume.ts";
import { resumeHandover } from "./resume-handover.ts";
import { resumeRefusal } from "./resume-refusal.ts";
import { resumeToken } from "./resume-token.ts";
import { resumeWindow } from "./resume-window.ts";
import { retention } from "./retention.ts";
import { revocation } from "./revocation.ts";
import { rotation } from "./rotation.ts";
import { security } from "./security.ts";
import { spending } from "./spending.ts";
import { streamedResult } from "./streamed-result.ts";
import { submission } from "./submission.ts";
import { subscription } from "./subscribe.ts";
import { subscriptionHistory } from "./subscribe-history.ts";
import { liveSubscription } from "./subscribe-live.ts";
import { subset } from "./subset.ts";
import { trace } from "./trace.ts";
import { transport } from "./transport.ts";
import { url } from "./url.ts";
import { webSocketMessages } from "./web-socket.ts";
import { webSocketClose } from "./web-socket-close.ts";
import { webSocketUpgrade } from "./web-socket-upgrade.ts";

/** All scenarios, in the order of the protocol reference. */
export const scenarios: readonly Scenario[] = [
  ...transport,
  ...webSocketMessages,
  ...webSocketUpgrade,
  ...webSocketClose,
  ...messageSize,
  ...envelope,
  ...jsonProfile,
  ...malformed,
  ...correlation,
  ...authentication,
  ...handshake,
  ...feature,
  ...resume,
  ...resumeHandover,
  ...resumeRefusal,
  ...resumeToken,
  ...resumeWindow,
  ...keptLog,
  ...heartbeat,
  ...acknowledgement,
  ...backPressure,
  ...listJobs,
  ...close,
  ...subscription,
  ...liveSubscription,
  ...subscriptionHistory,
  ...retention,
  ...submission,
  ...idempotency,
  ...resubmission,
  ...lifecycle,
  ...jobEnding,
  ...cancellation,
  ...cancelAuthority,
  ...agentVersion,
  ...event,
  ...numbering,
  ...streamedResult,
  ...lease,
  ...pattern,
  ...path,
  ...url,
  ...enforcement,
  ...subset,
  ...childLease,
  ...expiry,
  ...budget,
  ...spending,
  ...model,
  ...credential,
  ...revocation,
  ...rotation,
  ...delegation,
  ...parentEnd,
  ...trace,
  ...error,
  ...security,
  ...extensionName,
  ...dialect,
];
