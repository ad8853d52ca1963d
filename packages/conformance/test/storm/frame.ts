/** A frame as it came, parsed. */
export interface Frame {
  readonly type: string;
  readonly id: string;
  readonly session_id?: string;
  readonly job_id?: string;
  readonly event_seq?: number;
  readonly job_seq?: number;
  // biome-ignore lint/suspicious/noExplicitAny: payloads of all types are looked into
  readonly payload: any;
}
