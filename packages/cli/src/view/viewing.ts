import type { Surroundings } from "../surroundings.ts";
import { canDraw } from "../terminal.ts";
import { JsonView } from "./json-view.ts";
import { PlainView } from "./plain-view.ts";
import { TerminalView } from "./terminal-view.ts";
import type { View } from "./view.ts";

export function viewFor(
  surroundings: Surroundings,
  { json = false }: { readonly json?: boolean | undefined },
): View {
  if (json) return new JsonView(surroundings);
  const { stdout, env } = surroundings;
  return canDraw(stdout, env) ? new TerminalView(surroundings) : new PlainView(surroundings);
}
