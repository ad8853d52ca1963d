/** A set of negotiated features. */
export interface AgreedFeatures {
  readonly names: readonly string[];
  readonly set: ReadonlySet<string>;
}

/** Shares one object between all sessions with the same features: sessions are many, and nearly all negotiate every feature. */
export class FeatureSets {
  readonly #known = new Map<string, AgreedFeatures>();

  of(names: readonly string[]): AgreedFeatures {
    const key = JSON.stringify(names);
    const known = this.#known.get(key) ?? { names, set: new Set(names) };
    this.#known.set(key, known);
    return known;
  }
}
