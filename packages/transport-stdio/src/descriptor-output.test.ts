import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { descriptorOutput } from "./descriptor-output.ts";

const MEBIBYTE = 1024 * 1024;

/** A pipe on which writing blocks; Windows has none with a name in a directory, but all of its pipes are like that. */
async function blockingPipe(directory: string) {
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  return await open(path, "r+");
}

test.skipIf(process.platform === "win32")(
  "R-6.5-10: a reader that takes nothing blocks neither the program nor the end of the stream",
  async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "arcp-"));
    await using pipe = await blockingPipe(directory.path);
    const output = descriptorOutput(pipe.fd);
    const sent = Buffer.alloc(MEBIBYTE, "0123456789");
    const written = new Promise((resolve) => output.write(sent, resolve));
    expect(output.writableLength).toBe(MEBIBYTE);
    const got: Buffer[] = [];
    for (let length = 0; length < MEBIBYTE; ) {
      const { bytesRead, buffer } = await pipe.read();
      got.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    expect(await written).toBeFalsy();

    output.write(sent);
    const closed = once(output, "close");
    output.destroy();
    await closed;
    // The thread that still writes must be let go.
    for (let length = 0; length < MEBIBYTE; ) length += (await pipe.read()).bytesRead;
  },
);

test("a descriptor that cannot be written to breaks the stream", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "arcp-"));
  await using file = await open(join(directory.path, "file"), "a+");
  await using reading = await open(join(directory.path, "file"), "r");
  const output = descriptorOutput(reading.fd);
  const broken = once(output, "error");
  output.write("x");
  expect((await broken)[0]).toMatchObject({ syscall: "write" });
  expect((await file.stat()).size).toBe(0);
});
