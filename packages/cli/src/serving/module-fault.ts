import { existsSync } from "node:fs";
import { basename, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Says in one line, which begins with the place, why a module could not be imported. */
export function moduleFault(error: unknown, file: string, cwd: string): string {
  if (isNoModule(error, file)) {
    return `${relative(cwd, file)} is not a module: pass modules that export agents, such as agents.ts`;
  }
  const where = (error instanceof Error && placeIn(error.stack ?? "", cwd)) || relative(cwd, file);
  return `${where}: ${reason(error, cwd)}`;
}

function reason(error: unknown, cwd: string): string {
  if (!(error instanceof Error)) return `it throws ${JSON.stringify(error) ?? String(error)}`;
  const [line = ""] = error.message.split("\n", 1);
  const code = "code" in error ? error.code : undefined;
  if (code === "ERR_MODULE_NOT_FOUND") return line.replaceAll(`${cwd}${sep}`, "") + hint(error);
  return error.name === "Error" ? line : `${error.name}: ${line}`;
}

/** Whether it is this very file that Node does not import, because of its extension: `package.json`, `notes.txt`. */
function isNoModule(error: unknown, file: string): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  const { code, message } = error;
  if (code === "ERR_UNKNOWN_FILE_EXTENSION") return message.endsWith(` for ${file}`);
  const [, url] = /^Module "(file:[^"]+)" needs an import attribute/.exec(message) ?? [];
  return code === "ERR_IMPORT_ATTRIBUTE_MISSING" && url !== undefined && pathOf(url) === file;
}

/** Compilers also find `other.ts` as `./other.js` or `./other`; Node takes only the file's actual name. */
function hint(error: Error): string {
  if (!("url" in error && typeof error.url === "string")) return "";
  const path = pathOf(error.url);
  const meant = [path.replace(/js$/, "ts"), `${path}.ts`, `${path}.js`].find(
    (name) => name !== path && existsSync(name),
  );
  return meant === undefined ? "" : `: the file is called ${basename(meant)}`;
}

/** The path or address of a file and the line in it, at the end of a line of a stack. */
const PLACE = /(?:^|[\s(])((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+)(?::\d+)?\)?$/;

/** Stack frames from this directory tell the user nothing. */
const OWN = import.meta.dirname;

/**
 * Such as `agents.ts:3`: from the head of a syntax error's stack, or from the first frame that is neither Node's nor ours. If a
 * library refuses its arguments, the frame that passed them.
 */
function placeIn(stack: string, cwd: string): string | undefined {
  const places: string[] = [];
  for (const line of stack.split("\n")) {
    const frame = PLACE.exec(line);
    const [, place, row] = frame ?? [];
    const path = place === undefined ? OWN : pathOf(place);
    if (!path.startsWith(OWN)) places.push(`${relative(cwd, path)}:${row}`);
  }
  return places.find((place) => !/(^|[/\\])node_modules[/\\]/.test(place)) ?? places[0];
}

function pathOf(place: string): string {
  if (!place.startsWith("file:")) return place;
  const url = new URL(place);
  url.search = "";
  return fileURLToPath(url);
}
