/**
 * Works on all items, a limited number at a time: a store over a network answers each call a round trip later. Once one fails, no
 * further one is begun.
 * @returns the results, in the order of the items
 */
export async function inLanes<Item, Result>(
  count: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = numbered(items);
  const lane = async (): Promise<void> => {
    for (const [at, item] of rest) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: count }, lane));
  return results;
}

/** A loop that fails ends the generator, and so the other loops over it. */
function* numbered<Item>(items: Iterable<Item>): Generator<[number, Item]> {
  let at = 0;
  for (const item of items) yield [at++, item];
}
