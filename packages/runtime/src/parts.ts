import { checkOptions, isPlain, type OptionRule } from "@arcp/core";

/**
 * Checks an object of the operator's that does part of the runtime's work, such as a policy, as it checks options. It may keep
 * things of its own beside, such as a table that its functions look at: what none of the parts could be is no misspelt one.
 *
 * @param what whose parts they are, such as `policy`
 * @throws LocalError `MISUSE` for the first that is wrong, and for a name that there is not of what could be a part
 */
export function checkParts(
  what: string,
  given: object,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  if (!isPlain(given)) return checkOptions(what, given, rules);
  const mayBePart = ([name, value]: [string, unknown]): boolean =>
    Object.hasOwn(rules, name) || Object.values(rules).some(({ fits }) => fits(value));
  checkOptions(what, Object.fromEntries(Object.entries(given).filter(mayBePart)), rules);
}
