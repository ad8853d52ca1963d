import type { EncodedText } from "./encoded-text.ts";

/**
 * Why a peer closed, in words that fit every transport. A WebSocket shows them as close codes (R-4.1-11), a pipe not
 * at all: this is a hint, the protocol's own word is the envelope before it.
 */
export type CloseReason =
  /** After `session.close` or `session.bye`. */
  | "normal"
  /** The runtime shuts down, or the peer fell silent: come back and resume. */
  | "going-away"
  /** Not authenticated, resume refused, or replaced by a newer connection: do not come back blindly. */
  | "refused"
  /** An internal fault ends the session. */
  | "fault"
  /** A frame exceeded the receiver's limit. */
  | "too-big"
  /** The peer sent what is not text. */
  | "not-text";

/** One message's text. The most of a long one may be encoded already: then joining both parts makes the text. */
export type Frame = string | readonly [head: string, rest: EncodedText];

/** The whole text of a frame. */
export function frameText(frame: Frame): string {
  return typeof frame === "string" ? frame : frame.join("");
}

/**
 * One connection between two peers: strings in, strings out, each one envelope. Order is kept in both directions
 * (R-4-1).
 */
export interface Transport {
  /**
   * What the peer sends, for one reader. Ends after this side closed, or the peer did in good order (`normal`); fails
   * with a {@link TransportClosedError} otherwise.
   */
  readonly frames: AsyncIterable<string>;
  /**
   * Sends frames in one write. Stays pending while more bytes wait to be taken by the network than the transport's
   * high-water mark (default 256 KiB): awaiting it is the back-pressure. Rejects with a {@link TransportClosedError}
   * once the transport is closed, also while it is pending.
   */
  send(frames: readonly string[]): Promise<void>;
  /**
   * Does the same with frames of which some come in parts. Optional: for a transport that writes bytes, where to make one string
   * of a long text first would be in vain. Without it a runtime makes that string. Bytes that
   * are written behind the call are to be held until they are.
   */
  sendParts?(frames: readonly Frame[]): Promise<void>;
  /** Delivers what was sent before, then closes. Can be called twice; the second call changes nothing. */
  close(reason?: CloseReason): void;
}

/** Opens a connection to a runtime. Rejects with the signal's reason when that aborts. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;

/** The bytes that may wait in a transport before `send` stays pending. */
export const HIGH_WATER_MARK = 256 * 1024;
