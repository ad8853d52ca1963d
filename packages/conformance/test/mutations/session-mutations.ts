import type { Mutation } from "./mutation.ts";

/** Mistakes in what a session owes: opening, requests, errors. */
export const sessionMutations: readonly Mutation[] = [
  {
    name: "takes an envelope that names another session for one of its own",
    breaks: "R-5.1-5",
    file: "inbound.ts",
    from: 'if (foreign && header.type !== "session.resume") {',
    to: 'if (foreign && header.type === "session.bye") {',
  },
  {
    name: "drops a vendor's message that does not call itself optional",
    breaks: "R-5.3-4",
    file: "inbound.ts",
    from: 'if (decoded.optional && header.type.startsWith("x-vendor.")) return { kind: "ignored" };',
    to: 'if (header.type.startsWith("x-vendor.")) return { kind: "ignored" };',
  },
  {
    name: "makes another job of a submit that is sent again",
    breaks: "R-5.4-8",
    file: "session/submit-log.ts",
    from: "if (known !== undefined) {",
    to: 'if (known !== undefined && id === "") {',
  },
  {
    name: "believes who a client says that it is",
    breaks: "R-6.1-3",
    file: "handshake.ts",
    from: 'if (typeof principal === "string") return principal;',
    to: 'if (typeof principal === "string") return payload.client?.principal ?? principal;',
  },
  {
    name: "agrees on features that the client did not offer",
    breaks: "R-6.2-2",
    file: "handshake.ts",
    from: "negotiate(ours, asked)",
    to: "negotiate(ours, ours)",
  },
  {
    name: "drops a restriction for want of its feature",
    breaks: "R-6.2-4",
    file: "verbs/submit.ts",
    from: "if (features.has(feature)) return;",
    to: "return;",
  },
  {
    name: "sends codes that the protocol does not have",
    breaks: "R-12-1",
    file: "jobs/ending.ts",
    from: "if (isErrorCode(said.code)) return",
    to: 'if (said.code !== "") return',
  },
  {
    name: "leaves the connection open in whose place a session was resumed",
    breaks: "R-6.3-15",
    file: "session/session.ts",
    from: 'if (this.#state.kind === "connected") this.#state.link.replace();',
    to: "",
  },
  {
    name: "overlooks which session a resume names",
    breaks: "R-6.3-4",
    file: "handshake.ts",
    from: "if (named !== undefined && named !== session.id) return undefined;",
    to: "void named;",
  },
  {
    name: "names no job in the refusal of what is wrong otherwise",
    breaks: "R-5.4-2",
    file: "dialect/rejection.ts",
    from: "request.job_id ?? JobId.safeParse(target).data",
    to: "request.job_id",
  },
  {
    name: "lets a principal have as many sessions connected as it likes",
    breaks: "R-14-1",
    file: "session/session-quota.ts",
    from: "withArriving(connected, arriving) >= this.#limits.connectedSessionsPerPrincipal",
    to: "withArriving(connected, arriving) >= this.#limits.sessionsPerPrincipal",
  },
  {
    name: "rejects the requests of other SDKs as those of the draft",
    breaks: "R-D-4",
    file: "dialect/profile.ts",
    from: "if (setting !== undefined) return setting;",
    to: 'if (setting !== undefined || evidence.type !== "") return "draft";',
  },
];
