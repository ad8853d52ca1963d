import type { World } from "./world.ts";

/** One thing that may happen next. */
export interface Step {
  readonly name: string;
  /** Whether it eventually happens if it can: all steps but those that the adversary, the agents and the users choose. */
  readonly fair: boolean;
  /** Changes a copy of the world. */
  run(world: World): void | Promise<void>;
}
