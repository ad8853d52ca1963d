import { type OptionRule, rule } from "@arcp/core";

/** The rule for an option whose value is checked where it is used. Only its name is checked: a misspelt limit would not limit. */
export const namedOption: OptionRule = rule.some("anything", () => true);
