/** Where a command writes. */
export interface Output {
  /** What was asked for. */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** How it goes on, and what is wrong. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}
