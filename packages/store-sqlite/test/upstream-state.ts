/** What the upstream knows of its keys, all by alias. */
export interface UpstreamState {
  /** In force. */
  readonly alive: readonly string[];
  /** Of every key that it ever made. */
  readonly values: Readonly<Record<string, string>>;
  readonly revoked: readonly string[];
}
