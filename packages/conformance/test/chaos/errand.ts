import assert from "node:assert/strict";
import type { Job, ReopenedJob, WatchedJob } from "@arcp/client";
import { ArcpError, type ErrorCode, LocalError } from "@arcp/core";
import { sampleText } from "./agents.ts";
import type { Random } from "./random.ts";

export type Handle = Job | WatchedJob | ReopenedJob;

/** One job that somebody wants done, and what has to come of it. */
export interface Errand {
  /** Its idempotency key, too. */
  readonly name: string;
  readonly agent: string;
  readonly input: unknown;
  /** How many numbered events it has; for one that is cancelled, the least. */
  readonly steps: number;
  /** After how many of them its owner cancels it. */
  readonly cancelAfter?: number;
  /** Whether it can only be checked from the first event on. */
  readonly streamed: boolean;
  /** Insists on the right end. @param forgets whether the runtime may have let go of what was streamed */
  check(handle: Handle, forgets: boolean): Promise<void>;
}

const codes: readonly ErrorCode[] = [
  "PERMISSION_DENIED",
  "BUDGET_EXHAUSTED",
  "TIMEOUT",
  "INVALID_REQUEST",
  "INTERNAL_ERROR",
];

/** Sizes and times of errands, to the largest ones. */
export interface Effort {
  readonly steps: number;
  /** Milliseconds. */
  readonly ms: number;
  readonly streamed: number;
  readonly inline: number;
}

const kinds = [
  "busy",
  "busy",
  "author",
  "painter",
  "clerk",
  "failing",
  "quiet",
  "endless",
] as const;

export function errandOf(name: string, random: Random, effort: Effort): Errand {
  const agent = random.pick(kinds);
  const steps = random.integer(1, effort.steps);
  const ms = Math.round(random.between(effort.ms / 10, effort.ms));
  const seed = random.integer(0, 1_000);
  const plain = { name, agent, steps, streamed: false };
  switch (agent) {
    case "busy":
      return { ...plain, input: { steps, ms }, check: (handle) => returned(handle, { steps }) };
    case "quiet":
      return {
        ...plain,
        steps: 2,
        input: { steps: 2, ms },
        check: (handle) => returned(handle, { steps: 2 }),
      };
    case "clerk": {
      const load = { steps, ms, seed, characters: random.integer(1, effort.inline) };
      return {
        ...plain,
        input: load,
        check: (handle) => returned(handle, { text: sampleText(load) }),
      };
    }
    case "author":
    case "painter": {
      const load = { steps, ms, seed, characters: random.integer(1, effort.streamed) };
      const check = async (handle: Handle, forgets: boolean): Promise<void> => {
        const text = await (agent === "author" ? handle.text() : handle.bytes().then(utf8)).catch(
          async (error: unknown) => {
            const isLost = error instanceof LocalError && error.code === "HISTORY_LOST";
            if (!forgets || !isLost) throw error;
            assert.equal((await handle.outcome()).status, "success");
            return undefined;
          },
        );
        if (text === undefined) return;
        assert(text === sampleText(load), `${name}: another text came than was written`);
      };
      return { ...plain, streamed: true, input: load, check };
    }
    case "failing": {
      const code = random.pick(codes);
      const check = async (handle: Handle): Promise<void> => {
        const outcome = await handle.outcome();
        assert(outcome.status !== "success", `${name} should have failed`);
        assert.equal(outcome.error.code, code);
        assert.deepEqual(outcome.error.details, { steps });
        await assert.rejects(handle.result(), ArcpError);
      };
      return { ...plain, input: { steps, ms, code }, check };
    }
    case "endless": {
      const cancelAfter = random.integer(1, Math.ceil(effort.ms / 25));
      const check = async (handle: Handle): Promise<void> => {
        const { status } = await handle.outcome();
        assert.equal(status, "cancelled");
      };
      return { ...plain, steps: cancelAfter, cancelAfter, input: { steps: 0, ms: 0 }, check };
    }
  }
}

async function returned(handle: Handle, expected: unknown): Promise<void> {
  assert.deepEqual(await handle.result(), expected);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
