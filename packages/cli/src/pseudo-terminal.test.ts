import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Site } from "../test/site.ts";

const bin = fileURLToPath(new URL("../bin/arcp.js", import.meta.url));
// Nearly every Linux has it; elsewhere the name means something else.
const script = "/usr/bin/script";

test.skipIf(process.platform !== "linux" || !existsSync(script))(
  "on a real terminal the gauges are drawn, and Ctrl-C does what it should",
  async ({ signal }) => {
    await using site = await Site.open();
    const command = `stty cols 60 rows 20; "${process.execPath}" "${bin}" submit deaf --budget USD:2`;
    const terminal = spawn(script, ["-qefc", command, "/dev/null"], {
      env: { ...process.env, ...site.env, TERM: "xterm" },
      stdio: ["pipe", "pipe", "inherit"],
      signal,
    });
    let out = "";
    for await (const chunk of terminal.stdout) {
      const before = out;
      out += chunk;
      const shows = (text: string) => out.includes(text) && !before.includes(text);
      if (shows("● connected")) terminal.stdin.write("\u0003");
      if (shows("Ctrl-C again to cancel it")) terminal.stdin.write("\u0003");
      // The agent ignores its signal, so only leaving ends this.
      if (shows("Ctrl-C again to exit now")) terminal.stdin.write("\u0003");
    }
    if (terminal.exitCode === null) await once(terminal, "exit");
    expect(terminal.exitCode).toBe(130);
    expect(out).toContain("2 of 2 USD left");
    expect(out).toMatch(/to return: `(npx )?arcp watch job_\w+`/);
  },
);
