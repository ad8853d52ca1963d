/**
 * A number that the command line of a soak gives, or `byDefault`.
 * @throws Error when it is none, or too small: a soak that plays nothing would hold
 */
export function amount(argument: string | undefined, byDefault: number, atLeast = 1): number {
  const given = argument === undefined ? byDefault : Number(argument);
  if (given >= atLeast) return given;
  throw new Error(`"${argument}" has to be a number, ${atLeast} or more`);
}

/** What chance begins with: any, unless it is given. */
export function seedOf(argument: string | undefined): number {
  return amount(argument, Math.trunc(Math.random() * 2 ** 31), 0);
}
