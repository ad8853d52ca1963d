import {
  manifest,
  type Report,
  reportJson,
  reportText,
  runConformance,
  webSocketTarget,
} from "@arcp/conformance";
import { LocalError } from "@arcp/core";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { checkedUrl, DEFAULT_URL } from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { shownUrlsIn } from "../shown-url.ts";
import type { Sink } from "../surroundings.ts";
import { maskedText } from "../tap/secrets.ts";
import { canDraw, paintFor, widthOf } from "../terminal.ts";

interface Options {
  readonly token?: string;
  readonly token2?: string;
  readonly only?: readonly string[];
  readonly json?: true;
}

/** Lines wider than this are hard to read. */
const WIDEST = 100;

export function conformanceCommand(context: CommandContext): Command {
  const { stdout, stderr, env, signal, exit } = context;
  return new Command("conformance")
    .description(
      "Plays the scenarios of @arcp/conformance against a runtime that offers the test agents, and reports which requirements hold.\n" +
        "Exit codes: 0 everything holds, 1 a MUST is violated, 3 only a SHOULD or a MAY is, 2 wrong usage, 4 there is no runtime.",
    )
    .argument("<url>", `the runtime's address, such as ${DEFAULT_URL}`)
    .option("--token <token>", "bearer token of a first principal (ARCP_TOKEN)")
    .option("--token2 <token>", "bearer token of a second principal (ARCP_TOKEN2)")
    .option(
      "--only <what>",
      "a section or requirement, such as 6.3 or R-6.3-9; can be repeated",
      only,
    )
    .option("--json", "the report as JSON")
    .action(async (url: string, options: Options) => {
      const tokens = [
        given(options.token, "--token", env, "ARCP_TOKEN"),
        given(options.token2, "--token2", env, "ARCP_TOKEN2"),
      ] as const;
      const bar = progressBar(stderr, env);
      let begun = false;
      try {
        const report = await runConformance(webSocketTarget(checkedUrl(url), tokens), {
          ...(options.only === undefined ? {} : { only: options.only }),
          signal,
          onOutcome: (_outcome, done, all) => {
            if (!begun) bar?.start(all, 0);
            begun = true;
            bar?.update(done);
          },
        });
        bar?.stop();
        stdout.write(`${options.json ? json(report) : text(report, context)}\n`);
        exit(codeOf(report));
      } catch (error) {
        throw error instanceof LocalError
          ? new LocalError(error.code, hidden(error.message))
          : error;
      } finally {
        bar?.stop();
      }
    });
}

function text(report: Report, { stdout, env }: CommandContext): string {
  const paint = paintFor(stdout, env);
  const width = Math.min(widthOf(stdout), WIDEST);
  return hidden(reportText(report, { width, good: paint.green, bad: paint.red, dim: paint.dim }));
}

function json(report: Report): string {
  const shown = (_name: string, value: unknown) =>
    typeof value === "string" ? hidden(value) : value;
  return JSON.stringify(reportJson(report), shown, 2);
}

/** A report is shown to others, so it must not contain tokens, neither from frames nor from addresses. */
function hidden(text: string): string {
  return maskedText(shownUrlsIn(text));
}

function codeOf({ verdicts }: Report): number {
  const broken = verdicts.filter(({ kind }) => kind === "broken");
  if (broken.length === 0) return exitCode.success;
  const must = broken.some(({ requirement }) => requirement.strength === "MUST");
  return must ? exitCode.mustBroken : exitCode.shouldBroken;
}

function progressBar(stderr: Sink, env: CommandContext["env"]): SingleBar | undefined {
  if (!canDraw(stderr, env)) return undefined;
  return new SingleBar({
    stream: stderr,
    format: "{bar} {value} of {total} scenarios",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
  });
}

function given(
  option: string | undefined,
  flag: string,
  env: CommandContext["env"],
  variable: string,
): string {
  const token = option ?? env[variable];
  if (token === undefined || token === "") {
    throw new LocalError("MISUSE", `two principals are needed: pass ${flag} or set ${variable}`);
  }
  return token;
}

function only(text: string, before: readonly string[] = []): readonly string[] {
  const wanted = text.replace(/^R-/i, "");
  const known = manifest.some(
    ({ id, section }) =>
      id === `R-${wanted}` || section === wanted || section.startsWith(`${wanted}.`),
  );
  if (!known) {
    throw new InvalidArgumentError(
      "it has to be a section or a requirement, such as 6.3 or R-6.3-9.",
    );
  }
  return [...before, text];
}
