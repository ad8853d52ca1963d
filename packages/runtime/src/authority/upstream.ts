import type { Clock } from "@arcp/core";

/**
 * Calls an upstream with a time limit. After that its signal aborts and nobody waits for it any more.
 * @param late called with an answer that came nevertheless
 * @throws what the call threw, or an error named `Timeout`
 */
export async function answerWithin<T>(
  clock: Clock,
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
  late: (answer: T) => void = () => {},
): Promise<T> {
  const overdue = Promise.withResolvers<never>();
  const abort = new AbortController();
  let waiting = true;
  const timer = clock.after(ms, () => {
    waiting = false;
    const error = new Error(`no answer within ${ms} ms`);
    error.name = "Timeout";
    abort.abort(error);
    overdue.reject(error);
  });
  const answer = Promise.resolve()
    .then(() => call(abort.signal))
    .finally(() => timer.cancel());
  answer.then(
    (value) => waiting || late(value),
    () => {},
  );
  return await Promise.race([answer, overdue.promise]);
}

/**
 * What may be shown of an upstream's error: its name, code and status, and those of its causes. Messages are never shown, because
 * they may quote a secret, and so may the message of a parser that failed on the answer (R-9.8-10).
 */
export function nameOf(error: unknown): string {
  const names: string[] = [];
  let one = error;
  for (let depth = 0; depth < 4 && typeof one === "object" && one !== null; depth++) {
    const { name, code, status, cause } = one as Record<string, unknown>;
    if (typeof name === "string" && /^[A-Za-z]{1,40}$/.test(name)) names.push(name);
    if (typeof code === "string" && /^[A-Z][A-Z_]{0,39}$/.test(code)) names.push(code);
    if (Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 599) {
      names.push(String(status));
    }
    one = cause;
  }
  return names.join(" ") || "unknown";
}
