import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { streamTransport } from "@arcp/transport-stdio";
import { describe, expect, test } from "vitest";
import { Scratch } from "../../test/scratch.ts";
import { PATIENCE_MS } from "../../test/stage.ts";
import type { Step } from "../test-agents/step.ts";
import type { ResumeForm } from "../wire/opening-request.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import { WireClient } from "../wire/wire-client.ts";

const forms: readonly ResumeForm[] = ["resume", "nested", "flat", "after-hello"];
const serve = fileURLToPath(new URL("../../test/serve-child.ts", import.meta.url));

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
const dense = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Runtimes in child processes, one after the other on the same file, each of which is killed. */
class Children implements AsyncDisposable {
  readonly #scratch = new Scratch();
  readonly #file = this.#scratch.newFile();
  #child: ChildProcessWithoutNullStreams | undefined;

  /** Starts a process, with a connection to it. */
  start() {
    const child = spawn(process.execPath, [serve, this.#file]);
    child.stderr.resume();
    this.#child = child;
    return streamTransport(child.stdout, child.stdin);
  }

  /** Kills the current process with a signal that none can resist. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#scratch[Symbol.dispose]();
  }
}

const steps: readonly Step[] = [
  { do: "repeat", times: 20, steps: [{ do: "thought", text: "again" }] },
  { do: "await", gate: "never opened" },
];

describe("over stdio on sqlite, in processes that are killed", () => {
  test.each(forms)(
    "R-6.3-20, R-6.3-1 and R-6.3-8: the next process goes on in the session, as %s",
    async (form) => {
      await using children = new Children();
      const wire = new WireClient(children.start(), { timeoutMs: PATIENCE_MS });
      await wire.hello({ token: "token-of-alice" });
      const { payload } = await wire.submit({
        agent: "conformance.script",
        input: { steps: steps as [] },
      });
      const seen = await wire.until(({ event_seq }) => event_seq === 21);
      await children.kill();
      const again = await wire.resume(children.start(), { form, lastEventSeq: 8 });
      expect(again.sessionId).toBe(wire.sessionId);
      const rest = await again.until(isTerminal);
      expect(seqs(rest)).toEqual(dense(9, 22));
      expect(rest.slice(0, -1)).toEqual(seen.slice(8));
      expect(rest.at(-1)).toMatchObject({
        job_id: payload.job_id,
        payload: { code: "INTERNAL_ERROR", final_status: "error", retryable: true },
      });
      // Killed once more: a client that has seen everything gets nothing again, and the session works as before.
      await children.kill();
      const third = await again.resume(children.start(), { form });
      await third.submit({ agent: "conformance.script", input: { steps: [] } });
      expect(seqs(await third.until(isTerminal))).toEqual([23, 24]);
      await third.close();
    },
  );
});
