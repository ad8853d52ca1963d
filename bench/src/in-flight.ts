/** Does this many operations, with at most `width` of them in flight. Rejects with the first that fails. */
export async function inFlight(
  count: number,
  width: number,
  operation: () => Promise<void>,
): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1;
      await operation();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
