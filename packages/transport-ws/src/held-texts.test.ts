import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import * as tls from "node:tls";
import { type EncodedText, type Frame, frameText, type HeldBytes } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { selfSigned } from "../test/self-signed.ts";
import { serverWriter } from "./frame-writer.ts";
import { joinTextMessages } from "./framing.ts";

/** A text whose bytes are overwritten once its store has released it and nobody holds them. */
class PassingText implements EncodedText {
  readonly size: number;
  readonly #text: string;
  readonly #bytes: Buffer;
  #isReleased = false;
  holders = 0;

  constructor(text: string) {
    this.#text = text;
    this.#bytes = Buffer.from(text);
    this.size = this.#bytes.length;
  }

  toString(): string {
    return this.#text;
  }

  hold(): HeldBytes {
    if (this.#isReleased) return { bytes: Buffer.from(this.#text), letGo: () => {} };
    this.holders += 1;
    const letGo = (): void => {
      this.holders -= 1;
      this.#pass();
    };
    return { bytes: this.#bytes, letGo };
  }

  release(): void {
    this.#isReleased = true;
    this.#pass();
  }

  #pass(): void {
    if (this.#isReleased && this.holders === 0) this.#bytes.fill("#");
  }
}

/** A connection whose peer does not read until it is told to. */
class Line {
  readonly peer: Socket;
  readonly #server: Socket;
  readonly #write: ReturnType<typeof serverWriter>;
  readonly #gone: Promise<unknown>;
  readonly #expected: Uint8Array[] = [];
  readonly #received: Buffer[] = [];
  isCut = false;

  constructor(server: Socket, peer: Socket) {
    this.peer = peer;
    this.#server = server;
    this.#write = serverWriter(server);
    this.#gone = Promise.all(
      [server, peer].map((end) => new Promise((gone) => end.on("close", gone))),
    );
    for (const end of [server, peer]) end.on("error", () => {});
    peer.on("data", (data) => this.#received.push(data)).pause();
  }

  say(frames: readonly Frame[]): void {
    for (const piece of joinTextMessages(frames.map(frameText))) {
      this.#expected.push(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    }
    this.#write(frames, () => {});
  }

  cut(byServer: boolean): void {
    this.isCut = true;
    (byServer ? this.#server : this.peer).destroy();
  }

  async end(): Promise<void> {
    this.peer.resume();
    this.#server.end();
    await this.#gone;
    const expected = Buffer.concat(this.#expected);
    const received = Buffer.concat(this.#received);
    if (!this.isCut) expect(received.length).toBe(expected.length);
    expect(received.equals(expected.subarray(0, received.length))).toBe(true);
  }
}

const line = fc.nat(2);
const length = fc.oneof(fc.nat(200), fc.integer({ min: 16_000, max: 200_000 }));
const aText = fc.tuple(fc.constantFrom("a", "é", "€", "😀"), length);
const aFrame = fc.oneof(
  { weight: 2, arbitrary: fc.record({ text: aText }) },
  { weight: 3, arbitrary: fc.record({ encoded: aText }) },
  // Somebody else may have been sent the same text.
  { weight: 2, arbitrary: fc.record({ again: fc.nat() }) },
);
const frames = fc.array(aFrame, { minLength: 1, maxLength: 5 });
const aStep = fc.oneof(
  { weight: 9, arbitrary: fc.record({ to: line, frames }) },
  { weight: 3, arbitrary: fc.record({ release: fc.nat() }) },
  fc.record({ stall: line }),
  { weight: 4, arbitrary: fc.constant("turn" as const) },
);
const aCut = fc.record({ cut: line, byServer: fc.boolean() });
const aScript = fc
  .tuple(
    fc.array(aStep, { minLength: 60, maxLength: 120, size: "max" }),
    fc.option(aCut),
    fc.array(aStep, { maxLength: 20 }),
  )
  .map(([before, cut, behind]) => [...before, ...(cut ? [cut, ...behind] : [])]);

async function play(
  script: typeof aScript extends fc.Arbitrary<infer T> ? T : never,
  open: () => Promise<Line>,
): Promise<void> {
  const lines = [await open(), await open(), await open()] as const;
  const texts: PassingText[] = [];
  const frameOf = (frame: typeof aFrame extends fc.Arbitrary<infer T> ? T : never): Frame => {
    if ("text" in frame) return frame.text[0].repeat(frame.text[1]);
    if ("encoded" in frame) {
      const [unit, count] = frame.encoded;
      texts.push(new PassingText(`${texts.length}${unit.repeat(count)}`));
    }
    const index = "again" in frame ? frame.again % (texts.length || 1) : texts.length - 1;
    return [`head ${index},`, texts[index] ?? new PassingText("")];
  };
  for (const step of script) {
    if (step === "turn") await new Promise(setImmediate);
    else if ("frames" in step) lines[step.to]?.say(step.frames.map(frameOf));
    else if ("release" in step) texts[step.release % texts.length]?.release();
    else if ("cut" in step) lines[step.cut]?.cut(step.byServer);
    else {
      const peer = lines[step.stall]?.peer;
      if (peer?.isPaused()) peer.resume();
      else peer?.pause();
    }
  }
  for (const text of texts) text.release();
  await Promise.all(lines.map((line) => line.end()));
  // Nobody knows who still reads what a broken connection was to write.
  if (lines.some(({ isCut }) => isCut)) return;
  expect(texts.filter(({ holders }) => holders > 0)).toEqual([]);
}

const HOST = "127.0.0.1";

test.each(["TCP", "TLS"])(
  "R-4.1-1: over %s, texts released at any time reach every peer whole, even if some stall and some break",
  async (kind) => {
    const server = kind === "TCP" ? createServer() : tls.createServer(selfSigned(HOST));
    server.listen(0, HOST);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const open = async (): Promise<Line> => {
      const accepted = once(server, kind === "TCP" ? "connection" : "secureConnection");
      const peer =
        kind === "TCP"
          ? connect(port, HOST)
          : tls.connect({ port, host: HOST, rejectUnauthorized: false });
      const [socket] = (await accepted) as [Socket];
      return new Line(socket, peer);
    };
    await fc.assert(
      fc.asyncProperty(aScript, (script) => play(script, open)),
      // A script has many megabytes: shrinking it would take minutes.
      { numRuns: 15, endOnFailure: true },
    );
    server.close();
  },
);
