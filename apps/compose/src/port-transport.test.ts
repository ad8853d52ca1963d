import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import {
  missing,
  type OpenConnection,
  type OpenTransport,
  transportContract,
} from "@arcp/conformance/transport";
import { afterAll, describe, expect, test } from "vitest";
import { dialWorker, portTransport } from "./port-transport.ts";

interface Ports extends OpenConnection {
  readonly port: MessagePort;
}

// Accepts ports and says nothing.
const worker = new Worker(
  `require("node:worker_threads").parentPort.on("message", (port) => {
    port.on("message", () => {});
    port.postMessage("taken");
  })`,
  { eval: true },
);
afterAll(() => worker.terminate());

const ports: OpenTransport<Ports> = {
  async open() {
    const { port1, port2 } = new MessageChannel();
    return { client: portTransport(port1), runtime: portTransport(port2), port: port1 };
  },
  sever: ({ port }) => port.close(),
  reasons: true,
  dial: dialWorker(worker),
};

describe("the transport contract between threads", () => {
  test.each(transportContract)("$name", (transportCase) => transportCase.run(ports));

  test("none of it is skipped", () => {
    expect(transportContract.flatMap((one) => missing(one, ports))).toEqual([]);
  });
});
