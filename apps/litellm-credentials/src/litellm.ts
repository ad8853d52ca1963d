import { ArcpError, type Clock, systemClock } from "@arcp/core";
import type { CredentialOrder, IssuedCredential, Provisioner } from "@arcp/runtime";
import { z } from "zod";

export interface LitellmOptions {
  /** Where the proxy is, such as `https://llm.acme.test`. */
  readonly url: string;
  /** A token that may make and delete keys there: the master key, or an administrator's. */
  readonly masterKey: string;
  readonly clock?: Clock;
}

const Generated = z.object({ key: z.string() });
const Refused = z.object({ error: z.object({ type: z.string() }) });

/**
 * Makes a virtual key of a LiteLLM proxy for every job whose lease grants models: for these models, with the job's budget
 * in USD and its expiry, under the alias that it is deleted by.
 *
 * The proxy has to answer 404 when it is to delete an alias that it does not know: check that yours does.
 */
export function litellm({ url, masterKey, clock = systemClock }: LitellmOptions): Provisioner {
  const post = (path: string, body: object, signal: AbortSignal): Promise<Response> =>
    fetch(new URL(path, url), {
      method: "POST",
      headers: { authorization: `Bearer ${masterKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal,
    });

  return {
    async issue(order): Promise<IssuedCredential | undefined> {
      // There, no models would mean all of them.
      if (order.models.length === 0) return undefined;
      const response = await post("/key/generate", keyFor(order, clock.now()), order.signal);
      if (!response.ok) throw await refusalOf(response);
      const { key } = Generated.parse(await response.json());
      const { USD } = order.budget;
      return {
        value: key,
        endpoint: new URL("/v1", url).href,
        profile: "openai",
        constraints: {
          "model.use": order.models,
          ...(USD !== undefined && { "cost.budget": [`USD:${USD}`] }),
          ...(order.expiresAt !== undefined && {
            expires_at: new Date(order.expiresAt).toISOString(),
          }),
        },
      };
    },

    async revoke(alias, signal): Promise<boolean> {
      const response = await post("/key/delete", { key_aliases: [alias] }, signal);
      const refused = Refused.safeParse(await response.json().catch(() => undefined));
      if (response.ok) return true;
      // A gateway that has lost the proxy knows nothing of its keys.
      if (response.status === 404 && refused.success) return false;
      throw new HttpError(response.status);
    },
  };
}

function keyFor({ alias, job, models, budget, expiresAt }: CredentialOrder, now: number): object {
  const { USD } = budget;
  return {
    key_alias: alias,
    models,
    metadata: { arcp_job: job.id, arcp_principal: job.principal, arcp_agent: job.agent },
    ...(USD !== undefined && { max_budget: Math.max(0, Number(USD)) }),
    ...(expiresAt !== undefined && {
      duration: `${Math.max(1, Math.ceil((expiresAt - now) / 1000))}s`,
    }),
  };
}

/** If it is an `ArcpError`, the proxy's answer means that no key was made; after anything else one may have been made. */
async function refusalOf(response: Response): Promise<Error> {
  const { status } = response;
  // A gateway in between speaks only for itself.
  if (status < 400 || status >= 500 || status === 408) return new HttpError(status);
  const refused = Refused.safeParse(await response.json().catch(() => undefined));
  return refused.data?.error.type === "budget_exceeded"
    ? new ArcpError("BUDGET_EXHAUSTED", "the proxy has no budget left")
    : new ArcpError("INTERNAL_ERROR", `the proxy answered ${status}`, {
        retryable: status === 429,
      });
}

/** Reports only the status: the body may quote a key. */
class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered ${status}`);
    this.status = status;
  }
}
