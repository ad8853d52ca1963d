const REFERENCE = /^([a-z0-9][a-z0-9._-]{0,127})(?:@([A-Za-z0-9.+_-]{1,64}))?$/;

/** `name` or `name@version` (section 7.5). */
export interface AgentReference {
  name: string;
  version?: string | undefined;
}

/** Parses a reference. @returns undefined if `text` as a whole does not match the grammar (R-7.5-1) */
export function parseAgentReference(text: string): AgentReference | undefined {
  const match = REFERENCE.exec(text);
  if (match?.[1] === undefined) return undefined;
  return match[2] === undefined ? { name: match[1] } : { name: match[1], version: match[2] };
}

/** `name@version`, or the bare name of an unversioned agent. */
export function formatAgentReference({ name, version }: AgentReference): string {
  return version === undefined ? name : `${name}@${version}`;
}
