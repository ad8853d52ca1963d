import type { SessionId } from "@arcp/core";
import { MessageIds } from "./message-ids.ts";
import { RequestLog } from "./request-log.ts";
import { StreamRecord } from "./stream-record.ts";

/** What a sniffer remembers of a session, across all of its connections. */
export class SessionRecord {
  readonly id: SessionId;
  /** As negotiated at the first welcome, for good (R-6.3-16). */
  readonly features: ReadonlySet<string>;
  /** Every resume token that the session was ever given. */
  readonly tokens = new Set<string>();
  readonly stream = new StreamRecord();
  readonly requests = new RequestLog();
  readonly ids = { client: new MessageIds(), runtime: new MessageIds() };

  constructor(id: SessionId, features: Iterable<string>) {
    this.id = id;
    this.features = new Set(features);
  }
}
