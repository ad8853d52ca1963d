/** How much may still be done to decide something; shared by all decisions that belong together. */
export interface Effort {
  left: number;
}
