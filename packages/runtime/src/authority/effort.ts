/** A work budget for a decision, shared by all decisions that belong together. */
export interface Effort {
  left: number;
}
