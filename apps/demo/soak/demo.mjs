// Runs the demo 20 times on a tree of more than 5,000 files, with the drop at random moments.
// It passes when every run shows the drop, the resume and the second viewer, and all its checks hold.
import "../../../scripts/require-node.mjs";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { amount } from "../../../scripts/soak-arguments.ts";

const runs = amount(process.argv[2], 20);
const DIRECTORIES = 130;
const FILES_EACH = 40;
const TIME_LIMIT = 120_000;
const demo = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const tree = mkdtempSync(join(tmpdir(), "arcp-soak-"));
process.once("SIGINT", () => process.exit(130));
process.once("exit", () => rmSync(tree, { recursive: true, force: true }));

const extensions = ["ts", "py", "go", "rs", "md", "json", "css"];
for (let d = 0; d < DIRECTORIES; d += 1) {
  const directory = join(tree, `area-${d % 10}`, `module-${d}`);
  mkdirSync(directory, { recursive: true });
  for (let f = 0; f < FILES_EACH; f += 1) {
    const lines = Array.from({ length: 1 + ((d * 7 + f * 13) % 60) }, (_, n) =>
      n % 50 === 49 ? "// TODO: see whether this line is read" : `line ${n} of file ${f}`,
    );
    writeFileSync(join(directory, `file-${f}.${extensions[f % 7]}`), `${lines.join("\n")}\n`);
  }
}
console.log(`${runs} runs on a tree of ${DIRECTORIES * FILES_EACH} files`);

const must = [
  /TCP connection was reset at/,
  /client resumed after/,
  /bob watches too/,
  /ok {2}alice was cut off, missed [\d,]+ events and resumed/,
  /ok {2}alice saw event_seq 1 to [\d,]+ once and in order/,
  /ok {2}bob saw event_seq 1 to [\d,]+ once and in order/,
  /ok {2}both saw the same [\d,]+ events/,
];

function once() {
  const { promise, resolve } = Promise.withResolvers();
  const child = spawn(process.execPath, [demo, tree, "--seconds", "0"], { timeout: TIME_LIMIT });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
  }
  child.on("close", (code, signal) => resolve({ code: code ?? signal, out }));
  return promise;
}

let held = 0;
for (let run = 1; run <= runs; run += 1) {
  const started = performance.now();
  const { code, out } = await once();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const holds = code === 0 && must.every((line) => line.test(out));
  if (holds) held += 1;
  const drop = /reset (at .*)/.exec(out)?.[1] ?? "without a drop";
  const behind = /behind event_seq ([\d,]+)/.exec(out)?.[1] ?? "no";
  const missed = /missed ([\d,]+) events/.exec(out)?.[1] ?? "no";
  const word = holds ? "ok  " : "FAIL";
  console.log(
    `${word} run ${run}: dropped ${drop}, behind event ${behind}, ${missed} missed, ${seconds} s`,
  );
  if (!holds) console.log(`exit code ${code}\n${out}`);
}
console.log(`${held} of ${runs} runs held`);
process.exitCode = held === runs ? 0 : 1;
