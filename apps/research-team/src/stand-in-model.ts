import { setTimeout } from "node:timers/promises";
import type { PriceTable } from "@arcp/runtime";

/** A model's answer, and its usage. */
export interface Answer {
  readonly text: string;
  readonly usage: { readonly input: number; readonly output: number };
}

export type Ask = (prompt: string, signal: AbortSignal) => Promise<Answer>;

/** Dollars for a million tokens. */
export const models: Record<string, PriceTable> = {
  "stand-in/large": { input: { USD: "3.00" }, output: { USD: "15.00" } },
  "stand-in/small": { input: { USD: "1.00" }, output: { USD: "5.00" } },
};

/** The most tokens that one call uses. */
export const MOST = { input: 1_000, output: 2_000 };

const topics = "hearing sight flight feathers diet nesting sleep calls range myths".split(" ");

/**
 * Stands for a real model, without understanding language. It takes time, gives the same answer to the same prompt, and charges by
 * length.
 * @param latency milliseconds for an answer to a prompt
 */
export function standIn(latency: (prompt: string) => number): Ask {
  return async (prompt, signal) => {
    await setTimeout(latency(prompt), undefined, { signal });
    const parts = /^plan (\d+) parts/.exec(prompt);
    const text =
      parts === null
        ? `all about: ${prompt}`
        : Array.from({ length: Number(parts[1]) }, (_, i) =>
            [topics[i % topics.length], Math.floor(i / topics.length) || ""].join(" ").trim(),
          ).join("\n");
    const letters = [...prompt].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    return { text, usage: { input: 10 * prompt.length, output: 1_000 + (letters % 1_000) } };
  };
}
