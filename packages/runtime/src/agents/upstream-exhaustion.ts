import { ArcpError } from "@arcp/core";

/** The error type by which LiteLLM reports that a key, a user or a team has spent its budget. */
const BUDGET_TYPE = "budget_exceeded";

/** The HTTP status 402, Payment Required. */
const PAYMENT_REQUIRED = 402;

/** How deep to look: SDKs wrap the body of a reply, OpenAI's once, Anthropic's twice. */
const DEPTH = 3;

/**
 * Translates an upstream's error that its own budget is used up (R-9.6-12). Nothing is guessed from messages, or from a status such
 * as 429, which usually means to slow down.
 * @param thrown by any SDK that called the model
 * @returns undefined for any other error
 */
export function upstreamExhaustion(model: string, thrown: unknown): ArcpError | undefined {
  if (thrown instanceof ArcpError || !saysExhausted(thrown, DEPTH)) return undefined;
  return new ArcpError(
    "BUDGET_EXHAUSTED",
    `the upstream of ${model} says that its budget is exhausted`,
    {
      details: { upstream: true },
      cause: thrown,
    },
  );
}

function saysExhausted(error: unknown, depth: number): boolean {
  if (typeof error !== "object" || error === null || depth === 0) return false;
  const { status, statusCode, type, error: body, data } = error as Record<string, unknown>;
  if ([status, statusCode].includes(PAYMENT_REQUIRED) || type === BUDGET_TYPE) return true;
  return saysExhausted(body, depth - 1) || saysExhausted(data, depth - 1);
}
