import type { EncodedText } from "./encoded-text.ts";

/**
 * Why a peer closed, in terms that fit every transport. A WebSocket maps them to close codes (R-4.1-11), a pipe cannot convey
 * them. They are only a hint: what counts is the envelope sent before.
 */
export type CloseReason =
  /** After `session.close` or `session.bye`. */
  | "normal"
  /** The runtime is shutting down, or the peer fell silent: reconnect and resume. */
  | "going-away"
  /** Not authenticated, resume refused, or replaced by a newer connection: do not reconnect blindly. */
  | "refused"
  /** An internal fault ends the session. */
  | "fault"
  /** A frame exceeded the receiver's limit. */
  | "too-big"
  /** The peer sent something that is not text. */
  | "not-text";

/** The text of one message. Most of a long text may be encoded already; then the text is both parts joined. */
export type Frame = string | readonly [head: string, rest: EncodedText];

/** The whole text of a frame, as a string. */
export function frameText(frame: Frame): string {
  return typeof frame === "string" ? frame : frame.join("");
}

/**
 * One connection between two peers: strings in, strings out, one envelope each. Order is kept in both directions (R-4-1).
 */
export interface Transport {
  /**
   * The frames that the peer sends, for one reader. Ends after this side closed, or after the peer closed cleanly (`normal`);
   * otherwise throws a {@link TransportClosedError}.
   */
  readonly frames: AsyncIterable<string>;
  /**
   * Sends frames in one write. Stays pending while more bytes wait for the network than the transport's high-water mark (default
   * 256 KiB): awaiting it applies back-pressure. Rejects with a {@link TransportClosedError} once the transport is closed, even
   * while pending.
   */
  send(frames: readonly string[]): Promise<void>;
  /**
   * Like `send`, but frames may come in parts. Optional, for transports that write bytes and so need no string of a long text;
   * without it, the runtime builds that string. If the bytes are written after the call, they must be held until then.
   */
  sendParts?(frames: readonly Frame[]): Promise<void>;
  /** Delivers what was sent before, then closes. A second call does nothing. */
  close(reason?: CloseReason): void;
}

/** Opens a connection to a runtime. Rejects with the signal's reason if that aborts. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;

/** How many bytes may wait in a transport before `send` stays pending. */
export const HIGH_WATER_MARK = 256 * 1024;
