// Serves on its standard streams what fails: `serve-failing.ts twice|accept|refuse|broken`.
import { ArcpError } from "@arcp/core";
import { type Accept, serveStdio } from "../src/index.ts";

const [way] = process.argv.slice(2);
try {
  if (way === "twice") void serveStdio(() => {});
  const accept: Accept = async (transport, peer) => {
    if (way === "accept") throw new Error(`no, ${JSON.stringify(peer)}`);
    if (way === "refuse") throw new ArcpError("PERMISSION_DENIED", "not today");
    if (way === "broken") for (;;) await transport.send([JSON.stringify("x".repeat(1_000))]);
  };
  await serveStdio(accept, { closeTimeout: 200 });
  console.log("over");
} catch (error) {
  console.error(`failed: ${error}`);
}
process.exit();
