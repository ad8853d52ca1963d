import { type Client, connect } from "@arcp/client";
import { linkedPair, ManualClock } from "@arcp/core";
import { allowAnonymous, createRuntime, type Runtime, type RuntimeOptions } from "@arcp/runtime";
import { pino } from "pino";
import { otel } from "../src/otel.ts";
import { telemetry } from "./telemetry.ts";

type HostingOptions = Partial<Omit<RuntimeOptions, "clock">> & Parameters<typeof telemetry>[0];

/** A runtime that is traced and measured, and a client of it. */
export async function hosting({ sampler, ...options }: HostingOptions = {}) {
  const told = telemetry(sampler && { sampler });
  const clock = new ManualClock();
  const runtime = createRuntime({
    agents: [],
    auth: allowAnonymous(),
    logger: pino({ level: "silent" }),
    observer: otel({ tracer: told.tracer, meter: told.meter }),
    clock,
    ...options,
  });
  const client = await clientOf(runtime);
  const close = async (): Promise<void> => {
    await client.close();
    await runtime.close();
  };
  return { ...told, runtime, client, clock, close, [Symbol.asyncDispose]: close };
}

export async function clientOf(runtime: Runtime): Promise<Client> {
  const dial = async () => {
    const pair = linkedPair();
    runtime.serve(pair.runtime);
    return pair.client;
  };
  return await connect(dial, { token: "any" });
}

/** Lets every turn of the event loop that is already due go by. */
export async function settled(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
