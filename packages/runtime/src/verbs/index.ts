import { ArcpError, type ClientMessageType, catalogue, type Envelope } from "@arcp/core";
import { rejected } from "../dialect/rejection.ts";
import { ack } from "./ack.ts";
import { cancel } from "./cancel.ts";
import { bye, close } from "./close.ts";
import { listJobs } from "./list-jobs.ts";
import { ping } from "./ping.ts";
import { reject } from "./reject.ts";
import type { Caller, Services, Verb } from "./services.ts";
import { submit } from "./submit.ts";
import { subscribe } from "./subscribe.ts";
import { unsubscribe } from "./unsubscribe.ts";

type Verbs = { readonly [T in ClientMessageType]: Verb<T> };

/** The handler of every message that a client may send. */
const verbs: Verbs = {
  "session.hello": secondOpening,
  "session.resume": secondOpening,
  "session.ping": ping,
  "session.pong": () => {},
  "session.ack": ack,
  "session.list_jobs": listJobs,
  "session.close": close,
  "session.bye": bye,
  "job.submit": submit,
  "job.cancel": cancel,
  "job.subscribe": subscribe,
  "job.unsubscribe": unsubscribe,
};

/** Handles a request, or rejects it. A failing request affects nothing else (R-5.4-3, R-5.4-4). */
export async function dispatch(
  services: Services,
  caller: Caller,
  request: Envelope,
): Promise<void> {
  const { session } = caller;
  try {
    const { direction, feature } = catalogue[request.type];
    if (direction === "runtime") {
      throw new ArcpError("INVALID_REQUEST", `only a runtime sends ${request.type}`);
    }
    if (feature !== undefined && feature !== "ack" && !session.features.has(feature)) {
      throw new ArcpError("INVALID_REQUEST", `this session did not negotiate ${feature}`, {
        details: { feature },
      });
    }
    const verb = verbs[request.type as ClientMessageType] as Verb<ClientMessageType>;
    await verb(services, caller, request as Envelope<ClientMessageType>);
  } catch (thrown) {
    const error = ArcpError.from(thrown);
    if (error !== thrown) {
      services.logger.error({ err: thrown, type: request.type }, "a request failed");
    }
    await reject(services, session, rejected(request), error);
  }
}

function secondOpening(): never {
  throw new ArcpError("INVALID_REQUEST", "this connection already has a session");
}
