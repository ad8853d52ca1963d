import { relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** The last news of a file, and when it came, in ms. */
interface News {
  readonly of: string;
  readonly at: number;
}

/**
 * Ends a run that hangs, and says where: no test timeout ends a loop that blocks its thread, or the loading of a module that
 * never finishes.
 */
export class HangReporter implements Reporter {
  readonly #patience: number;
  /** By the path of the file. */
  readonly #news = new Map<string, News>();
  #watch: NodeJS.Timeout | undefined;

  /** @param patience milliseconds for which a file may give no news: longer than any timeout */
  constructor(patience: number) {
    this.#patience = patience;
  }

  onTestRunStart(): void {
    this.#watch ??= setInterval(() => this.#look(), this.#patience / 10).unref();
  }

  onTestModuleQueued(file: TestModule): void {
    this.#hear(file, "its imports");
  }

  onTestModuleStart(file: TestModule): void {
    this.#hear(file, "its beginning");
  }

  onTestCaseReady(test: TestCase): void {
    this.#hear(test.module, test.fullName);
  }

  onTestCaseResult(test: TestCase): void {
    this.#hear(test.module, test.fullName);
  }

  onTestModuleEnd({ moduleId }: TestModule): void {
    this.#news.delete(moduleId);
  }

  onTestRunEnd(): void {
    clearInterval(this.#watch);
  }

  #hear({ moduleId }: TestModule, of: string): void {
    this.#news.set(moduleId, { of, at: performance.now() });
  }

  #look(): void {
    const latest = performance.now() - this.#patience;
    const hung = [...this.#news].filter(([, { at }]) => at < latest);
    for (const [path, { of }] of hung) {
      const file = relative(process.cwd(), path);
      console.error(`failed: ${file} hangs; ${this.#patience / 1000} s ago it was at ${of}`);
    }
    // A blocked worker receives no message: it ends with this process.
    if (hung.length > 0) process.exit(1);
  }
}
