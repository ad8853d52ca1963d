import { encode, newMessageId, type Payload } from "@arcp/core";
import type { Session } from "./session.ts";

/** Proves who the client is: a bearer token, or a function that is asked for a fresh one on every connection. */
export type TokenSource = string | (() => string | Promise<string>);

/** What a client says of itself; informational. */
export interface ClientDescription {
  readonly name: string;
  readonly version: string;
}

/** What every opening message of a client says alike. */
export interface Introduction {
  readonly token: TokenSource | undefined;
  readonly client: ClientDescription;
  /** The features that are offered. */
  readonly features: readonly string[];
}

/** The first frame of a connection: a hello, or the resume of a session that there was before (R-6.3-2). */
export async function openingFrame(
  { token, client, features }: Introduction,
  session: Session | undefined,
): Promise<string> {
  const id = newMessageId("req_");
  const introduction: Payload<"session.hello"> = {
    client: { ...client },
    ...(token !== undefined && {
      auth: { scheme: "bearer", token: typeof token === "string" ? token : await token() },
    }),
    capabilities: { encodings: ["json"], features: [...features] },
  };
  if (session === undefined) return encode({ id, type: "session.hello", payload: introduction });
  return encode({
    id,
    type: "session.resume",
    payload: {
      ...introduction,
      session_id: session.info.id,
      resume_token: session.token,
      last_event_seq: session.position,
    },
  });
}
