/** Why something failed, in a line, whatever was thrown. */
export function reasonOf(thrown: unknown): string | undefined {
  return String(thrown instanceof Error ? thrown.message : thrown).split("\n")[0];
}
