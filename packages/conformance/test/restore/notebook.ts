import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** What the processes that follow each other handle of a job: an event is a line, written in one piece. */
export interface Handled {
  readonly pid: number;
  readonly jobSeq: number;
  readonly step: number | undefined;
}

export function noteDown(file: string, { pid, jobSeq, step }: Handled): void {
  appendFileSync(file, `${pid} ${jobSeq} ${step ?? "-"}\n`);
}

export function readNotes(file: string): Handled[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [pid, jobSeq, step] = line.split(" ");
    return {
      pid: Number(pid),
      jobSeq: Number(jobSeq),
      step: step === "-" ? undefined : Number(step),
    };
  });
}
