import { ArcpError } from "@arcp/core";
import type { ToolCaller } from "./tools.ts";

/**
 * What the runtime itself does for an agent. Shows on the stream as the call of a tool does: when it is refused (R-9.3-3),
 * and always if the agent asks for it.
 */
export class Operations {
  readonly #calls: ToolCaller;
  readonly #shown: boolean;

  constructor(calls: ToolCaller, shown: boolean) {
    this.#calls = calls;
    this.#shown = shown;
  }

  /**
   * @param args what others may know of the operation: no content
   * @param act checks its authority itself, right before it does something
   * @param outcome what others may know of what came of it: sizes, no content
   */
  async run<T>(
    name: string,
    args: object,
    act: () => Promise<T>,
    outcome: (value: T) => object = () => ({}),
  ): Promise<T> {
    const attempt = (): Promise<T> => act().catch(rethrow);
    if (this.#shown) return await this.#calls.show(name, args, attempt, outcome);
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof ArcpError) await this.#calls.refuse(name, args, error);
      throw error;
    }
  }
}

/** A refusal in the midst of an operation comes as the cause of an error of whoever carried it out. */
function rethrow(error: unknown): never {
  throw error instanceof Error && error.cause instanceof ArcpError ? error.cause : error;
}
