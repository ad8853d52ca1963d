import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Converter, ReflectionKind } from "typedoc";

const packages = join(import.meta.dirname, "../../packages");
const manifests = readdirSync(packages).map((directory) => ({
  directory: join(packages, directory),
  ...JSON.parse(readFileSync(join(packages, directory, "package.json"), "utf8")),
}));

/** What can be imported, such as `@arcp/runtime/store`, by the file that it is built from. */
const modules = new Map(
  manifests.flatMap(({ directory, name, exports }) =>
    Object.entries(exports ?? {}).flatMap(([path, { types }]) =>
      types === undefined ? [] : [[sourceOf(directory, types), join(name, path)]],
    ),
  ),
);

function sourceOf(directory, types) {
  return join(directory, types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"));
}

/** A module is called what one imports, and not where it lies. */
function nameModules({ converter }) {
  converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return;
    const [file] = context.getSymbolFromReflection(reflection)?.declarations ?? [];
    reflection.name = modules.get(file?.fileName) ?? reflection.name;
  });
}

/** @type {import("typedoc").TypeDocOptions} */
export default {
  name: "ARCP for TypeScript",
  readme: "none",
  entryPoints: [...modules.keys()],
  tsconfig: "tsconfig.json",
  plugin: [nameModules],
  out: "dist",
  excludeInternal: true,
  excludePrivate: true,
  hideGenerator: true,
  // Where the sources are hosted nobody asks: a copy without a remote makes the same pages.
  disableSources: true,
  // They are checked with their packages.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  // A property may be clear by its name and its type; everything that has a name of its own says what it is.
  requiredToBeDocumented: [
    "Class",
    "Interface",
    "TypeAlias",
    "Variable",
    "Function",
    "Method",
    "Accessor",
  ],
  packagesRequiringDocumentation: ["@arcp/reference", ...manifests.map(({ name }) => name)],
};
