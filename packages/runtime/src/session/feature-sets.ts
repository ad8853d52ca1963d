/** Features that some sessions agreed on. */
export interface AgreedFeatures {
  readonly names: readonly string[];
  readonly set: ReadonlySet<string>;
}

/** One object for all sessions that agreed on the same features: they are many, and nearly all agree on all. */
export class FeatureSets {
  readonly #known = new Map<string, AgreedFeatures>();

  of(names: readonly string[]): AgreedFeatures {
    const key = JSON.stringify(names);
    const known = this.#known.get(key) ?? { names, set: new Set(names) };
    this.#known.set(key, known);
    return known;
  }
}
