import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { spawnRuntime, streamTransport } from "@arcp/transport-stdio";
import { describe, expect, test } from "vitest";
import { missing, type OpenConnection, type OpenTransport } from "./transport-case.ts";
import { transportContract } from "./transport-contract.ts";

interface Piped extends OpenConnection {
  readonly sever: () => void;
}

const streams: OpenTransport<Piped> = {
  async open() {
    const [up, down] = [new PassThrough(), new PassThrough()];
    return {
      client: streamTransport(down, up, { maxMessageSize: 16 * 1024 * 1024 }),
      runtime: streamTransport(up, down),
      sever() {
        for (const pipe of [up, down]) pipe.destroy();
      },
    };
  },
  sever: ({ sever }) => sever(),
  dial: (signal) =>
    spawnRuntime(process.execPath, ["-e", "process.stdin.resume()"], { stderr: "ignore" })(signal),
};

/** Imitates the system's pipes, whose other end is elsewhere: a process that forwards both ways. */
const cats: OpenTransport<Piped> = {
  async open() {
    const [up, down] = [cat(), cat()];
    await Promise.all([up, down].map((child) => once(child, "spawn")));
    return {
      client: streamTransport(down.stdout, up.stdin, { maxMessageSize: 16 * 1024 * 1024 }),
      runtime: streamTransport(up.stdout, down.stdin),
      sever: () => {},
    };
  },
};

function cat() {
  return spawn("cat", { stdio: ["pipe", "pipe", "ignore"] });
}

describe.each([
  ["streams in one process", streams, ["reasons"]],
  ["pipes of the system", cats, ["reasons", "sever", "dial"]],
] as const)("the transport contract over %s", (_name, open, unable) => {
  const able = transportContract.filter((one) => missing(one, open).length === 0);

  test.each(able)("$name", (one) => one.run(open));

  test("skips only what a pipe cannot do", () => {
    expect(new Set(transportContract.flatMap((one) => missing(one, open)))).toEqual(
      new Set(unable),
    );
  });
});
