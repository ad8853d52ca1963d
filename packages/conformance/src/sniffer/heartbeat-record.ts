import type { Envelope } from "@arcp/core";
import type { Report, Sender } from "./violation.ts";

/** The pings of one connection, each to be answered by one pong with its nonce (R-6.4-2). */
export class HeartbeatRecord {
  readonly #unanswered = { client: new Set<string>(), runtime: new Set<string>() };

  ping(nonce: string, sender: Sender): void {
    this.#unanswered[sender].add(nonce);
  }

  pong({ payload }: Envelope<"session.pong">, sender: Sender, report: Report): void {
    const asked = this.#unanswered[sender === "client" ? "runtime" : "client"];
    if (!asked.delete(payload.ping_nonce)) {
      report("R-6.4-2", "a pong answers no ping, or one that was answered before");
    }
  }
}
