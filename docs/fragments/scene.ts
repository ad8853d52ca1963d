import type { Client, Job } from "@arcp/client";
import type { AgentContext, AnyAgent, Authenticate, Runtime } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";

/** What the fragments on the pages may use without saying where it comes from: every name means the same on all of them. */
declare global {
  const connect: typeof import("@arcp/client").connect;
  const retry: typeof import("@arcp/client").retry;
  type SavedSession = import("@arcp/client").SavedSession;
  type CloseReason = import("@arcp/core").CloseReason;
  const ArcpError: typeof import("@arcp/core").ArcpError;
  const createRuntime: typeof import("@arcp/runtime").createRuntime;
  const defineAgent: typeof import("@arcp/runtime").defineAgent;
  type Observer = import("@arcp/runtime").Observer;
  type Policy = import("@arcp/runtime").Policy;
  const defineTool: typeof import("@arcp/runtime").defineTool;
  const sqliteStore: typeof import("@arcp/store-sqlite").sqliteStore;
  const serveStdio: typeof import("@arcp/transport-stdio").serveStdio;
  const spawnRuntime: typeof import("@arcp/transport-stdio").spawnRuntime;
  const attach: typeof import("@arcp/transport-ws").attach;
  const dial: typeof import("@arcp/transport-ws").dial;
  const listen: typeof import("@arcp/transport-ws").listen;
  const z: typeof import("zod").z;

  const agents: readonly AnyAgent[];
  const auth: Authenticate;
  const store: Store;
  const runtime: Runtime;
  const server: import("node:http").Server;
  const url: string;
  const token: string;
  const client: Client;
  const job: Job;
  const input: unknown;
  const ctx: AgentContext;
}
