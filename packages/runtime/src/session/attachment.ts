import type { JobId, MessageId } from "@arcp/core";
import type { AttachmentRow, Role } from "../store/index.ts";

/** A session follows a job: who it is to it, and how far it has read. */
export class Attachment {
  readonly job: JobId;
  readonly role: Role;
  /** The `job.subscribe` that it came from. */
  readonly request: MessageId | undefined;
  /** The `job_seq` of the last record that was numbered or passed over as hidden. */
  cursor: number;
  /** Where it had been before a history was asked for once more; nothing below it is owed to it. */
  readonly seen: number;
  /** How far the log reached when the attachment was made: a shorter one has been removed. */
  readonly head: number;
  /** Takes the bell down; set while the session is connected. */
  unlisten: (() => void) | undefined;

  constructor(row: AttachmentRow, { seen = 0, head = 0 } = {}) {
    this.job = row.job;
    this.role = row.role;
    this.request = row.request;
    this.cursor = row.after;
    this.seen = seen;
    this.head = head;
  }
}
