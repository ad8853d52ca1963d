/** What an object, an array or a key weighs beside its text, in characters: V8 takes about as many bytes for each. */
const STRUCTURE = 64;

/**
 * What a value of JSON takes in memory, in characters: those of its text, and 64 for each object, array and key, without which
 * `[{},{}]` would take twenty times what it weighs.
 * @param characters of its text
 */
export function jsonWeight(value: unknown, characters: number): number {
  let structures = 0;
  const nested = isNested(value) ? [value] : [];
  for (const part of nested) {
    const members: readonly unknown[] = Array.isArray(part) ? part : Object.values(part);
    structures += Array.isArray(part) ? 1 : 1 + members.length;
    // No recursion: what an agent hands on may nest deeper than the stack.
    for (const member of members) if (isNested(member)) nested.push(member);
  }
  return characters + STRUCTURE * structures;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
