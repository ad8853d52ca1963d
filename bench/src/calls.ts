/** What a child process can be asked for: by name, with one argument. Both ends share the type. */
export type Calls = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

export interface CallMessage {
  readonly name: string;
  readonly argument: unknown;
}

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

/** Answers the parent's calls until it disconnects or has ended; then the process ends. */
export function answerCalls(calls: Calls): void {
  const answer = async ({ name, argument }: CallMessage): Promise<CallOutcome> => {
    try {
      const call = calls[name];
      if (call === undefined) throw new Error(`there is no call ${name}`);
      // Typed on the parent's side.
      return { ok: true, value: await call(argument as never) };
    } catch (error) {
      return { ok: false, problem: error instanceof Error ? error.message : String(error) };
    }
  };
  process.on("message", (message: CallMessage) => {
    void answer(message).then((outcome) => process.send?.(outcome));
  });
  process.on("disconnect", () => process.exit());
}
