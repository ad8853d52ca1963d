import {
  ArcpError,
  type Clock,
  type Dial,
  decodeFromRuntime,
  type Envelope,
  encode,
  formatTimestamp,
  LocalError,
  newMessageId,
  type SessionId,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { asError, type LinkError } from "./link-outcome.ts";
import type { Opening } from "./opening.ts";
import { unlessAborted } from "./unless-aborted.ts";
import { type Welcome, welcomeFrom } from "./welcome.ts";

/** A connection on which the runtime has sent its welcome. */
export interface Opened {
  readonly transport: Transport;
  /** The only reader of the transport, positioned after the welcome. */
  readonly frames: AsyncIterator<string>;
  readonly welcome: Welcome;
}

/**
 * Dials, sends the opening message and waits for the welcome.
 *
 * @param opening used only once there is a connection
 * @param signal ends the attempt at any stage and closes the transport, even one that `dial` delivers later
 * @throws ArcpError the runtime's refusal
 * @throws LocalError `PROTOCOL_VIOLATION` if the peer does not answer like a runtime; `TRANSPORT_CLOSED`
 * @throws whatever `dial` or `opening` throws, or the signal's reason
 */
export async function openConnection(
  dial: Dial,
  opening: Opening,
  clock: Clock,
  signal: AbortSignal,
): Promise<Opened> {
  let transport: Transport | undefined;
  const attempt = async (): Promise<Opened> => {
    transport = await dial(signal);
    signal.throwIfAborted();
    const first = await opening.first();
    signal.throwIfAborted();
    const frames = transport.frames[Symbol.asyncIterator]();
    for (let next: string | undefined = first; ; ) {
      // On a slow connection, `send` may stay pending; only the reply matters.
      transport.send([next]).catch(() => {});
      const welcome = await awaitWelcome(transport, frames, clock);
      next = opening.next(welcome.message);
      if (next === undefined) return { transport, frames, welcome };
    }
  };
  const opened = attempt();
  try {
    return await unlessAborted(opened, signal);
  } catch (error) {
    const drop = (): void => transport?.close("normal");
    drop();
    opened.catch(drop);
    throw error;
  }
}

async function awaitWelcome(
  transport: Transport,
  frames: AsyncIterator<string>,
  clock: Clock,
): Promise<Welcome> {
  for (;;) {
    const frame = await nextFrame(frames);
    if (frame instanceof Error) throw frame;
    const decoded = decodeFromRuntime(frame);
    if (decoded.kind === "malformed") {
      throw new LocalError("PROTOCOL_VIOLATION", `the peer's greeting: ${decoded.reason}`);
    }
    if (decoded.kind === "unknown") continue;
    const { message } = decoded;
    switch (message.type) {
      case "session.welcome":
        return welcomeFrom(frame, message);
      case "session.error":
      // Java refuses every request this way.
      case "job.error":
        throw ArcpError.fromPayload(message.payload);
      case "session.ping":
        // A peer that does not read our replies gets no more of them; the attempt then times out (R-4.1-10).
        await transport.send([pong(message, undefined, clock)]).catch(() => {});
        break;
      default:
        throw new LocalError(
          "PROTOCOL_VIOLATION",
          `expected session.welcome or session.error, got ${message.type}`,
        );
    }
  }
}

/** @returns the next frame, or how the connection ended */
export async function nextFrame(frames: AsyncIterator<string>): Promise<string | LinkError> {
  try {
    const { value, done } = await frames.next();
    return done ? new TransportClosedError("normal") : value;
  } catch (thrown) {
    return asError(thrown);
  }
}

/** A ping, which asks for a sign of life (section 6.4). */
export function ping(session_id: SessionId, clock: Clock): string {
  const payload = { nonce: newMessageId("hb_"), sent_at: formatTimestamp(clock.now()) };
  return encode({ id: newMessageId("req_"), type: "session.ping", session_id, payload });
}

/** The reply to a ping (R-6.4-2). */
export function pong(
  ping: Envelope<"session.ping">,
  session: SessionId | undefined,
  clock: Clock,
): string {
  return encode({
    id: newMessageId("req_"),
    type: "session.pong",
    session_id: session,
    payload: { ping_nonce: ping.payload.nonce, received_at: formatTimestamp(clock.now()) },
  });
}
