import { checkOptions, isPlain, type OptionRule } from "@arcp/core";

/**
 * Checks an object that implements part of the runtime for the operator, such as a policy, as options are checked. It may have
 * fields of its own, such as a table that its functions use: a value that fits none of the parts is not taken for a misspelt one.
 *
 * @param what the name of the object, such as `policy`
 * @throws LocalError `MISUSE` for the first part that is wrong, and for an unknown name whose value could be a part
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
