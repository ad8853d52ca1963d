import { InvalidArgumentError, program } from "commander";
import { openScreen } from "./screen.ts";
import { type StoryOptions, story } from "./story.ts";

function within(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}

program
  .name("csv-report")
  .description("Has a report made while the client's connection is cut and then the client killed.")
  .option("--rows <n>", "rows of the CSV", within(5_000, 5_000_000), 100_000)
  .option("--seconds <n>", "how long the agent's tool calls take in all", within(0, 3_600), 4)
  .action((options: StoryOptions) => {
    const screen = openScreen(options.rows);
    process.once("SIGINT", () => {
      screen.settle();
      process.exit(130);
    });
    return story(options, screen);
  });
await program.parseAsync();
