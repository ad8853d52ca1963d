/**
 * A number from the command line of a soak, or `byDefault`.
 * @throws Error if it is not a number, or too small: a soak that plays nothing would pass
 */
export function amount(argument: string | undefined, byDefault: number, atLeast = 1): number {
  const given = argument === undefined ? byDefault : Number(argument);
  if (given >= atLeast) return given;
  throw new Error(`"${argument}" has to be a number, ${atLeast} or more`);
}

/** The seed: random unless given. */
export function seedOf(argument: string | undefined): number {
  return amount(argument, Math.trunc(Math.random() * 2 ** 31), 0);
}
