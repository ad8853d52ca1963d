import module, { type ResolveFnOutput, type ResolveHookContext } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

export type Namespace = Readonly<Record<string, unknown>>;

/** Imports a module as Node does: once for each process. */
export function importModule(file: string): Promise<Namespace> {
  return import(pathToFileURL(file).href);
}

/** Marks what belongs to one round of imports, in the address under which Node knows a module. */
const ROUND = "arcp-round";

/**
 * Imports modules as they are on the disk now, with those that they import by path. Node keeps what it has imported under
 * its address for ever, so each round gives all of them addresses of its own. Packages are left out: they stay as they are.
 */
export class FreshImports implements Disposable {
  readonly #hooks = module.registerHooks({
    resolve: (specifier, context, next) => this.#resolve(specifier, context, next),
  });
  #round = 0;
  #files = new Set<string>();

  /** Whether this Node can do it: 22.15 or later. */
  static get possible(): boolean {
    return typeof module.registerHooks === "function";
  }

  /** What was imported in this round, and what was asked for in vain: absolute paths. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /**
   * From now on everything is imported anew.
   *
   * @param files that are going to be imported, whether they are there or not
   */
  begin(files: Iterable<string>): void {
    this.#round += 1;
    this.#files = new Set(files);
  }

  import(file: string): Promise<Namespace> {
    const url = pathToFileURL(file);
    url.searchParams.set(ROUND, `${this.#round}`);
    return import(url.href);
  }

  [Symbol.dispose](): void {
    this.#hooks.deregister();
  }

  #resolve(
    specifier: string,
    context: ResolveHookContext,
    next: (specifier: string, context: ResolveHookContext) => ResolveFnOutput,
  ): ResolveFnOutput {
    const round = roundOf(context.parentURL);
    if (round === null || !/^(\.|\/|file:|#)/.test(specifier)) return next(specifier, context);
    // Before it is looked for: what is missing may come yet.
    const wanted = URL.parse(specifier, context.parentURL);
    if (wanted?.protocol === "file:" && !specifier.startsWith("#")) this.#note(wanted, round);
    const resolved = next(specifier, context);
    const url = URL.parse(resolved.url);
    if (url?.protocol !== "file:") return resolved;
    this.#note(url, round);
    url.searchParams.set(ROUND, round);
    return { ...resolved, url: url.href };
  }

  /** Code of an earlier round may still import. */
  #note(url: URL, round: string): void {
    if (round === `${this.#round}`) this.#files.add(fileURLToPath(url));
  }
}

function roundOf(url: string | undefined): string | null {
  return url === undefined ? null : (URL.parse(url)?.searchParams.get(ROUND) ?? null);
}
