import { spawnSync } from "node:child_process";
import { Command, Option } from "commander";
import { expect, test } from "vitest";
import { arcp, scratch } from "../../test/played.ts";
import { bashCompletion } from "../completion/bash.ts";
import { completedProgram } from "../completion/completed-command.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";

/** What bash offers when the key is pressed at the end of a line, split as bash splits it. */
async function offered(lines: readonly (readonly string[])[], cwd: string): Promise<string[][]> {
  const { out } = await arcp(["completion", "bash"]);
  const calls = lines.map((words) => {
    const list = ["arcp", ...words].map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _arcp; printf '%s|' "\${COMPREPLY[@]}"; echo`;
  });
  // The options of a completion can only be set within one.
  const script = `compopt() { :; }\n${out}\n${calls.join("\n")}`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], { cwd, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("|").filter(Boolean));
}

// Windows has no bash of its own.
test.skipIf(process.platform === "win32")(
  "bash completes commands, flags, words and files",
  async () => {
    await using place = await scratch();
    spawnSync("touch", ["agents.ts", "arcp.db", "my agents.ts"], { cwd: place.path });
    const [commands, some, flags, states, joined, begun, files, store, port, shells, help, typed] =
      await offered(
        [
          [""],
          ["ca"],
          ["serve", "--to"],
          ["jobs", "--status", ""],
          ["jobs", "--status", "="],
          ["jobs", "--status", "=", "ti"],
          ["serve", "ag"],
          ["serve", "--store", ""],
          ["serve", "--port", ""],
          ["completion", ""],
          ["help", "ta"],
          ["submit", "$(touch evaluated)", "--js"],
        ],
        place.path,
      );
    const { out } = await arcp(["--help"]);
    const listed = [...out.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name);
    expect(listed).toContain("serve");
    expect(commands).toEqual(expect.arrayContaining([...listed, "--help", "--version"]));
    expect(some).toEqual(["cancel"]);
    expect(flags).toEqual(["--token-file"]);
    const all = ["pending", "running", "success", "error", "cancelled", "timed_out"];
    expect([states, joined, begun]).toEqual([all, all, ["timed_out"]]);
    expect(files).toEqual(["agents.ts"]);
    expect(store?.toSorted()).toEqual(["agents.ts", "arcp.db", "my agents.ts"]);
    expect(port).toEqual([]);
    expect(shells).toEqual(["bash", "zsh", "fish"]);
    expect(help).toEqual(["tap"]);
    expect(typed).toEqual(["--json"]);
    // Nothing that was typed was run.
    expect(spawnSync("ls", [place.path], { encoding: "utf8" }).stdout).toBe(
      "agents.ts\narcp.db\nmy agents.ts\n",
    );
  },
);

test("every command and every flag of the help is in each script", async () => {
  const names = [...(await arcp(["--help"])).out.matchAll(/^ {2}([a-z]+)\b/gm)].map(
    ([, name = ""]) => name,
  );
  const scripts = await Promise.all(
    ["bash", "zsh", "fish"].map(async (shell) => (await arcp(["completion", shell])).out),
  );
  for (const script of scripts) expect(script).toMatch(/-+version\b|-l version /);
  for (const name of names.filter((one) => one !== "help")) {
    const flags = [
      ...(await arcp([name, "--help"])).out.matchAll(/^ {2}(?:-\w, )?--([a-z0-9-]+)/gm),
    ].map(([, flag = ""]) => flag);
    expect(flags).toContain("help");
    const [bash = "", zsh = "", fish = ""] = scripts;
    const of = (script: string) =>
      script
        .split("\n")
        .filter((line) => line.includes(` ${name}) `))
        .join();
    for (const flag of flags) {
      expect(of(bash)).toContain(`--${flag}`);
      expect(of(zsh)).toContain(`--${flag}`);
      expect(fish).toContain(`'__arcp_after ${name}' -l ${flag}`);
    }
  }
});

test("special characters of a shell are quoted in descriptions", () => {
  const program = new Command("arcp").addCommand(
    new Command("run")
      .summary("run it, don't walk: [now]")
      .addOption(
        new Option("--mode <mode>", "a `mode`, one's own [x] \\ $HOME").choices(["a", "b"]),
      )
      .argument("<directory>"),
  );
  const completed = completedProgram(program);
  expect(zshCompletion(completed)).toContain(`      'run:run it, don'\\''t walk: [now]'\n`);
  expect(zshCompletion(completed)).toContain(
    `'*--mode=[a \`mode\`, one'\\''s own \\[x\\] \\\\ $HOME]:value:(a b)'`,
  );
  expect(zshCompletion(completed)).toContain(`'1:run:_files -/'`);
  expect(fishCompletion(completed)).toContain(
    `complete -c arcp -n '__arcp_after run' -l mode -r -f -a 'a\\\\t b\\\\t' -d 'a \`mode\`, one\\'s own [x] \\\\ $HOME'\n`,
  );
  expect(bashCompletion(completed)).toContain(
    `"run --mode") COMPREPLY=($(compgen -W "a b" -- "$cur")); return ;;`,
  );
  expect(bashCompletion(completed)).toContain(`compgen -d -- "$cur"`);
});

test("an unknown shell is refused, and exits with 2", async () => {
  const { code, out, err } = await arcp(["completion", "tcsh"]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toBe(
    "arcp: command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.\n",
  );
});
