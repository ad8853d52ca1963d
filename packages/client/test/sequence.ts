/** Numbers from 0 to below 1, the same for the same seed. */
export function sequence(seed: number): () => number {
  let state = (seed * 7_919) >>> 0;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
