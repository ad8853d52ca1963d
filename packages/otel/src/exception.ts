/** What a span records of something that was thrown: a text if it was not an error. */
export type RecordedException =
  | string
  | {
      readonly name: string;
      readonly message: string;
      readonly stack?: string;
      readonly code?: string | number;
    };

/**
 * Anything can be thrown: some values cannot be turned into text, and some fail when they are inspected. So that is done here,
 * once, and not by a span, which would then stay open.
 */
export function exceptionOf(thrown: unknown): RecordedException {
  try {
    if (!(thrown instanceof Error)) return String(thrown);
    const { name, message, stack, code }: { [Part in keyof Error | "code"]?: unknown } = thrown;
    return {
      name: `${name}`,
      message: `${message}`,
      ...(typeof stack === "string" && { stack }),
      ...((typeof code === "string" || typeof code === "number") && { code }),
    };
  } catch {
    return "what was thrown cannot be converted to text";
  }
}
