#!/usr/bin/env node
// In words that older versions understand too.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`arcp: needs Node 22.13 or later, this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  // What nobody caught would exit with 1, which has another meaning.
  process.on("uncaughtException", (error) => {
    process.stderr.write(`arcp: a fault of this command: ${error?.stack ?? error}\n`);
    process.exit(70);
  });
  const { run } = await import("../dist/program.js");
  process.exitCode = await run(process.argv.slice(2));
}
