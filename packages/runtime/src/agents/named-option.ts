import { type OptionRule, rule } from "@arcp/core";

/** The rule of an option whose value is looked at where it is used. Its name counts: a limit that is misspelt would be none. */
export const namedOption: OptionRule = rule.some("anything", () => true);
