/** What the user types to run this command: with `npx` if npm started it, because it may be installed in that directory only. */
export function ownName(env: Readonly<Record<string, string | undefined>>): string {
  return env["npm_execpath"] === undefined ? "arcp" : "npx arcp";
}

/** Replaces `arcp …` in backticks by the command as the user types it here. */
export function asTyped(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll("`arcp ", `\`${ownName(env)} `);
}
