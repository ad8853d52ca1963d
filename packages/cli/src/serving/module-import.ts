import module, { type ResolveFnOutput, type ResolveHookContext } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

export type Namespace = Readonly<Record<string, unknown>>;

/** Imports a module as Node does: once per process. */
export function importModule(file: string): Promise<Namespace> {
  return import(pathToFileURL(file).href);
}

/** Marks what belongs to one round of imports, in the URL under which Node knows a module. */
const ROUND = "arcp-round";

/**
 * Imports modules as they are on disk now, along with those that they import by path. Node caches a module under its URL for ever,
 * so each round gives all of them new URLs. Packages are excluded and stay as they are.
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

  /** What was imported in this round, and what was not found: absolute paths. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /**
   * From now on everything is imported anew.
   *
   * @param files that will be imported, whether or not they exist
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
    // Noted before it is resolved, because a missing file may still appear.
    const wanted = URL.parse(specifier, context.parentURL);
    if (wanted?.protocol === "file:" && !specifier.startsWith("#")) this.#note(wanted, round);
    const resolved = next(specifier, context);
    const url = URL.parse(resolved.url);
    if (url?.protocol !== "file:") return resolved;
    this.#note(url, round);
    url.searchParams.set(ROUND, round);
    return { ...resolved, url: url.href };
  }

  /** Ignores earlier rounds, whose code may still import. */
  #note(url: URL, round: string): void {
    if (round === `${this.#round}`) this.#files.add(fileURLToPath(url));
  }
}

function roundOf(url: string | undefined): string | null {
  return url === undefined ? null : (URL.parse(url)?.searchParams.get(ROUND) ?? null);
}
