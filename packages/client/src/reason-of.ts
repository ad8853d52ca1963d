/** Why something failed, in one line, whatever was thrown. */
export function reasonOf(thrown: unknown): string | undefined {
  return String(thrown instanceof Error ? thrown.message : thrown).split("\n")[0];
}
