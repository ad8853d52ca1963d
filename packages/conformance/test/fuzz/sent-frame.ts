import { parseJsonObject } from "../../src/json-object.ts";
import { expectationOf } from "../hostile-oracle.ts";
import { MAX_FRAME } from "./house.ts";

/** How many answers a frame may have, and has to have, if the connection stays open. */
export interface Due {
  readonly id: string | undefined;
  readonly least: number;
  readonly most: number;
  /** The connection has to end, if there is no answer. */
  readonly parting: boolean;
}

/** One text that a client has sent. */
export class SentFrame {
  readonly text: string;
  /** As far as it can be read; for the runtime decides by the same text. */
  readonly message: Record<string, unknown> | undefined;
  readonly id: string | undefined;

  constructor(text: string) {
    this.text = text;
    this.message = parseJsonObject(text);
    const id = this.message?.["id"];
    this.id = typeof id === "string" && id.length > 0 && id.length <= 128 ? id : undefined;
  }

  get type(): unknown {
    return this.message?.["type"];
  }

  get payload(): Record<string, unknown> {
    const payload = this.message?.["payload"];
    return typeof payload === "object" && payload !== null ? { ...payload } : {};
  }

  /** Whether it could open a session, or move to another. */
  get opens(): boolean {
    return this.type === "session.hello" || this.type === "session.resume";
  }

  /** @param session of the connection; undefined when it had several */
  due(session: string | undefined): Due {
    const own = this.message?.["session_id"];
    const known = session ?? (typeof own === "string" ? own : "");
    const expected = expectationOf({ data: this.text }, { session: known }, MAX_FRAME);
    const id = "id" in expected ? expected.id : undefined;
    const parting = expected.kind === "parting" || expected.kind === "closed";
    const silent = expected.kind === "silent" || parting;
    return { id, least: silent ? 0 : 1, most: 1, parting };
  }
}
