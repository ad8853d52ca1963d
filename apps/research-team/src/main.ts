import { InvalidArgumentError, program } from "commander";
import { type StoryOptions, story } from "./story.ts";
import { openTreeView } from "./tree-view.ts";

function within(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}

program
  .name("research-team")
  .description("Lets a planner and its workers answer a question within one budget.")
  .option("--workers <n>", "into how many parts the question is cut", within(1, 20), 5)
  .option("--seconds <n>", "how long a chain of answers takes", within(0, 3_600), 4)
  .action((options: StoryOptions) => story(options, openTreeView()));
await program.parseAsync();
