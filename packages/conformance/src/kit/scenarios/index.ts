import type { Scenario } from "../scenario.ts";
import { authentication } from "./authentication.ts";
import { correlation } from "./correlation.ts";
import { envelope } from "./envelope.ts";
import { error } from "./error.ts";
import { extensionName } from "./extension-name.ts";
import { feature } from "./feature.ts";
import { handshake } from "./handshake.ts";
import { jsonProfile } from "./json-profile.ts";
import { malformed } from "./malformed.ts";
import { messageSize } from "./message-size.ts";
import { resume } from "./resume.ts";
import { security } from "./security.ts";
import { transport } from "./transport.ts";
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
  ...error,
  ...security,
  ...extensionName,
];
