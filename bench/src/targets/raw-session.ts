import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { newId } from "./raw-record.ts";

/** One client of a raw server and the numbering of its stream. */
export class RawSession {
  /** That of an earlier session, once it has resumed that. */
  id = newId("sess_");
  readonly ws: WebSocket;
  /** Underneath `ws`. */
  readonly socket: Socket;
  /** The last `event_seq` that was sent. */
  seq = 0;

  constructor(ws: WebSocket, socket: Socket) {
    this.ws = ws;
    this.socket = socket;
  }

  /** Sends what is not part of the stream. */
  say(
    type: string,
    payload: object,
    job?: { readonly id: string; readonly traceId: string },
  ): void {
    const { id: session_id, ws } = this;
    const about = job && { job_id: job.id, trace_id: job.traceId };
    ws.send(
      JSON.stringify({ arcp: "1.1", id: newId("msg_"), session_id, type, ...about, payload }),
    );
  }
}
