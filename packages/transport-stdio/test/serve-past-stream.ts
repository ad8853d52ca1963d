// Serves where printing goes past `process.stdout`, and a write may be done before it returns, as in Bun.
import { writeSync } from "node:fs";
import { serveStdio } from "../src/index.ts";

const past = (text: string): boolean => writeSync(1, `${text}\n`) > 0;
Object.defineProperty(process, "versions", { value: { ...process.versions, bun: "1" } });
Object.assign(console, { log: past });
Object.assign(process.stdout, { write: past });
const { write } = process.stderr;
Object.assign(process.stderr, {
  write(chunk: Uint8Array, encoding: BufferEncoding, done: () => void): boolean {
    done();
    return write.call(process.stderr, chunk, encoding);
  },
});

await serveStdio(async (transport) => {
  console.log("printed");
  process.stdout.write("written\n");
  await transport.send(["{}"]);
  transport.close();
});
process.exit();
