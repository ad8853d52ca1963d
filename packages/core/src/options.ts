import { isObject } from "./json.ts";
import { LocalError } from "./local-error.ts";
import { isPlain, type OptionRule } from "./option-rule.ts";

type Rules = Readonly<Record<string, OptionRule>>;

/**
 * Checks the options that a caller passed, perhaps without type checking: every value, and that there are no unknown names,
 * since a misspelt one would silently leave the default in place. An instance of a class may have further properties.
 *
 * @param what the name of the options in the message, such as `limits`
 * @throws LocalError `MISUSE` for the first wrong option
 */
export function checkOptions(what: string, options: object, rules: Rules): void {
  checkValues(what, options, rules);
  if (!isPlain(options)) return;
  const foreign = Object.keys(options).find((name) => !Object.hasOwn(rules, name));
  if (foreign === undefined) return;
  const known = Object.keys(rules).join(", ");
  throw new LocalError(
    "MISUSE",
    `${what}: ${foreign} is not one of its options, which are ${known}`,
  );
}

/**
 * Checks the values only: unknown names are allowed.
 *
 * @throws LocalError `MISUSE` for the first wrong value. The message says only what kind of value it is, since it may be secret
 */
export function checkValues(what: string, given: object, rules: Rules): void {
  const values: unknown = given;
  if (!isObject(values)) {
    throw new LocalError("MISUSE", `${what}: must be an object, not ${kindOf(values)}`);
  }
  for (const [name, { right, fits, isRequired = false }] of Object.entries(rules)) {
    const value = values[name];
    if ((value === undefined && !isRequired) || fits(value)) continue;
    throw new LocalError("MISUSE", `${what}: ${name} must be ${right}, not ${kindOf(value)}`);
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number") return String(value);
  if (Array.isArray(value)) return "an array";
  if (value === "") return "an empty string";
  if (typeof value === "string") return "a string";
  if (typeof value === "object" && !isPlain(value)) return "an instance of a class";
  return `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
