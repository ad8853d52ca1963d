/** What one types to run this command: by `npx` where npm started it, for it may be installed in that directory alone. */
export function ownName(env: Readonly<Record<string, string | undefined>>): string {
  return env["npm_execpath"] === undefined ? "arcp" : "npx arcp";
}

/** A text with commands to copy, `arcp …` in backticks, as they are typed here. */
export function asTyped(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll("`arcp ", `\`${ownName(env)} `);
}
