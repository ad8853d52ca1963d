import { InvalidArgumentError, program } from "commander";
import { story } from "./story.ts";

function pages(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 3 && number <= 10_000) return number;
  throw new InvalidArgumentError("It takes a whole number from 3 to 10000.");
}

program
  .name("durable")
  .description("Kills a runtime twice in the middle of a job, and goes on each time.")
  .option("--pages <n>", "how many pages the job has to read", pages, 12)
  .action((options: { pages: number }) => story(options.pages, console.log));
await program.parseAsync();
