import { canonicalJson } from "../json-object.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report } from "./violation.ts";

/** The ids that one side of a session has used outside the stream, whose records may come again (R-5.1-3). */
export class MessageIds {
  readonly #contents = new Map<string, string>();

  check({ raw, message }: SniffedFrame, report: Report): void {
    const content = canonicalJson(raw);
    const before = this.#contents.get(message.id);
    // A submit and its reply may be repeated verbatim (R-5.4-8, R-6.3-8).
    if (before !== undefined && (before !== content || !repeatable.has(message.type))) {
      report("R-5.1-3", `the id ${message.id} was used before`);
    }
    this.#contents.set(message.id, content);
  }
}

const repeatable: ReadonlySet<string> = new Set(["job.submit", "job.accepted", "session.error"]);
