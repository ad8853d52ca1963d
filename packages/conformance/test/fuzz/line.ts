import type { Delivery, Nuisance } from "./action.ts";

/** What a line tells of its peer. */
export interface Listener {
  text(text: string): void;
  /** @param code of the close frame; 1006 when there was none */
  closed(code: number): void;
}

/** One connection in the hands of somebody who knows no manners. */
export interface Line {
  send(text: string, delivery: Delivery): void;
  /** @returns whether this line can do that */
  annoy(nuisance: Nuisance): boolean;
  /** Stops to read, and goes on. */
  pause(): void;
  goOn(): void;
  /** Sends what is held back. */
  flush(): void;
  /** Says that nothing more will come, and reads on. */
  halfClose(): void;
  close(): void;
  destroy(): void;
}

export type OpenLine = (listener: Listener) => Promise<Line>;
