/** Programs with consecutive seeds. */
export interface Series {
  /** The seed of the first. */
  readonly from: number;
  readonly count: number;
}

/**
 * Plays them one after the other.
 * @param play its results are added up
 * @throws Error that names the seed of the first one that fails, with its failure as the cause
 */
export async function playSeries<Name extends string>(
  play: (seed: number) => Promise<Readonly<Record<Name, number>>>,
  { from, count }: Series,
): Promise<ReadonlyMap<string, number>> {
  const total = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const told = await play(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    });
    for (const [name, value] of Object.entries<number>(told)) {
      total.set(name, (total.get(name) ?? 0) + value);
    }
  }
  return total;
}
