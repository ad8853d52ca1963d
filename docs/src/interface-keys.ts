import { read } from "./repository.ts";

/** The keys of an interface, inherited ones apart. @param path of the source, from the root */
export function interfaceKeys(path: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n(.*?)^\\}`, "ms").exec(
    read(path),
  );
  if (body?.[1] === undefined) throw new Error(`${path} has no interface ${name}`);
  return [...body[1].matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, key = ""]) => key);
}
