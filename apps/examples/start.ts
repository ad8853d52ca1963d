import { readdirSync, readFileSync } from "node:fs";

// Runs examples by their names, one after the other. Without a name it lists them, with the first line of each.
const folder = new URL("src/", import.meta.url);
const names = readdirSync(folder)
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => file.replace(/\.ts$/, ""))
  .sort();

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !names.includes(name));

if (unknown !== undefined) {
  console.error(`there is no example ${JSON.stringify(unknown)}; there are: ${names.join(", ")}`);
  process.exitCode = 2;
} else if (wanted.length === 0) {
  for (const name of names) {
    const [head = ""] = readFileSync(new URL(`${name}.ts`, folder), "utf8").split("\n", 1);
    console.log(name.padEnd(25), head.replace(/^\/\/ /, ""));
  }
} else {
  for (const name of wanted) {
    if (wanted.length > 1) console.log(`# ${name}`);
    await import(new URL(`${name}.ts`, folder).href).catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    });
  }
}
