import { checkPackage, Package } from "@arethetypeswrong/core";
import { problemAffectsResolutionKind } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import type { Tarball } from "./tarball.ts";

/** The resolution modes that an ESM-only package has to support. */
const resolutions = ["node16-esm", "bundler"] as const;

/** What publint reports, suggestions included. */
export async function publintFaults({ files, manifest }: Tarball): Promise<string[]> {
  const packed = [...files].map(([name, text]) => ({
    name: `package/${name}`,
    data: Buffer.from(text),
  }));
  const { messages } = await publint({
    pkgDir: "package",
    pack: { files: packed },
    strict: true,
  });
  return messages.map((message) => `${message.code}: ${formatMessage(message, manifest)}`);
}

/** What are-the-types-wrong reports about what `import` finds. */
export async function typeFaults({ files, manifest }: Tarball): Promise<string[]> {
  const placed = [...files].map(
    ([path, text]) => [`/node_modules/${manifest.name}/${path}`, text] as const,
  );
  const checked = await checkPackage(
    new Package(Object.fromEntries(placed), manifest.name, manifest.version),
  );
  if (checked.types === false)
    return exportsCode(manifest) ? ["it exports code without types"] : [];
  return checked.problems
    .filter((problem) =>
      resolutions.some((kind) => problemAffectsResolutionKind(problem, kind, checked)),
    )
    .map((problem) => JSON.stringify({ ...problem, trace: undefined }));
}

function exportsCode({ exports = {} }: Tarball["manifest"]): boolean {
  return Object.keys(exports).some((entry) => entry !== "./package.json");
}
