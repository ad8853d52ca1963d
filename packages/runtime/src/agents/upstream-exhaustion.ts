import { ArcpError } from "@arcp/core";

/** The type by which LiteLLM tells that a key, a user or a team has spent its budget. */
const BUDGET_TYPE = "budget_exceeded";

/** The HTTP status 402, Payment Required. */
const PAYMENT_REQUIRED = 402;

/** How deep the SDKs wrap the body of a reply: OpenAI's once, Anthropic's twice. */
const DEPTH = 3;

/**
 * An upstream's word that its own budget is used up, translated (R-9.6-12). Nothing is guessed from a message or from a
 * status such as 429, which mostly means: slower.
 * @param thrown by whatever SDK asked the model
 * @returns undefined for every other error
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
