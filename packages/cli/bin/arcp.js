#!/usr/bin/env node
// In words that older versions understand too.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`arcp: needs Node 22.13 or later, this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  // That SQLite is experimental in this Node, or a package.json lacks its type, concerns no user of the command.
  process.removeAllListeners("warning");
  process.on("warning", ({ name, code, message }) => {
    if (name === "ExperimentalWarning" || code === "MODULE_TYPELESS_PACKAGE_JSON") return;
    process.stderr.write(`arcp: ${name}: ${message}\n`);
  });
  // What nobody caught would exit with 1, which has another meaning.
  process.on("uncaughtException", (error) => {
    process.stderr.write(`arcp: an exception that nobody caught: ${error?.stack ?? error}\n`);
    process.exit(70);
  });
  // Nobody is left to tell.
  process.stderr.on("error", () => {});
  const { run } = await import("../dist/program.js");
  const code = await run(process.argv.slice(2));
  // It is over, whatever still fails.
  process.on("unhandledRejection", () => {});
  // What was written is out before; what still runs, such as an agent that does not listen, is not waited for.
  const exit = () => process.stderr.write("", () => process.exit(code));
  // Nor, after an interrupt, a reader that reads no more.
  if (code === 130) exit();
  else process.stdout.write("", exit);
}
