import { ArcpError, type TraceContext } from "@arcp/core";
import type { BodyInit } from "undici";
import { clip } from "../authority/clip.ts";
import type { FetchGate, ResolveName } from "../authority/fetch-gate.ts";
import { allowedUrl, shownUrl, type UrlAccess } from "../authority/url-access.ts";
import type { Job } from "../jobs/job.ts";
import type { Operations } from "./operation.ts";
import { type Hop, locationOf, nextHop } from "./redirect.ts";

/** As in the Fetch standard. */
const MAX_REDIRECTS = 20;

/** Fetches for one job, within `net.fetch`. */
export class Fetcher {
  readonly #job: Job;
  readonly #operations: Operations;
  readonly #access: UrlAccess;
  readonly #resolve: ResolveName | undefined;
  #gate: Promise<FetchGate> | undefined;

  constructor(job: Job, operations: Operations, resolve?: ResolveName) {
    this.#job = job;
    this.#operations = operations;
    this.#access = job.authority;
    this.#resolve = resolve;
  }

  /**
   * Like the global `fetch`, with every redirect checked like the URL itself (R-9.2-7). The request carries the trace (R-11-5),
   * unless it has a `traceparent` of its own.
   *
   * @param trace the trace to send. Default: the job's
   * @throws ArcpError the refusal, also of a redirect; `INVALID_REQUEST` for a `host` header, which would evade the check. An
   *   allowed request fails as with `fetch`, with a `TypeError`.
   */
  async fetch(
    input: string | URL | Request,
    given?: RequestInit,
    trace: TraceContext = this.#job.trace,
  ): Promise<Response> {
    const { url, init } = requested(input, given);
    const args = {
      method: clip(String(init.method ?? "GET")),
      url: clip(shownUrl(url)),
      byte_size: sizeOf(init.body),
    };
    return await this.#operations.run(
      "net.fetch",
      args,
      () => this.#follow(url, init, trace),
      shownResponse,
    );
  }

  async #follow(url: string, init: RequestInit, trace: TraceContext): Promise<Response> {
    const { redirect = "follow" } = init;
    let hop: Hop = {
      url: allowedUrl(this.#access, url).href,
      method: init.method ?? "GET",
      headers: headersOf(init, trace),
      body: await bodyOf(init),
    };
    for (let hops = 0; ; hops += 1) {
      const response = await this.#send(hop, init);
      const location = redirect === "follow" ? locationOf(response) : undefined;
      if (location === undefined) {
        if (hops > 0) Object.defineProperty(response, "redirected", { value: true });
        return response;
      }
      await response.body?.cancel();
      if (hops === MAX_REDIRECTS) {
        throw new TypeError(`redirected more than ${MAX_REDIRECTS} times`);
      }
      const next = nextHop(hop, response.status, location);
      // Checked here as well: the gate sees neither user information nor every scheme.
      hop = { ...next, url: allowedUrl(this.#access, next.url).href };
    }
  }

  async #send({ url, method, headers, body }: Hop, init: RequestInit): Promise<Response> {
    const { signal } = this.#job.life;
    const { fetch } = await import("undici");
    const dispatcher = await this.#open();
    return fetch(url, {
      ...init,
      method,
      headers: [...headers],
      body,
      redirect: init.redirect === "error" ? "error" : "manual",
      signal: init.signal ? AbortSignal.any([signal, init.signal]) : signal,
      dispatcher,
    });
  }

  #open(): Promise<FetchGate> {
    this.#gate ??= this.#newGate();
    return this.#gate;
  }

  /** Loaded by the first job that fetches: loading takes 50 ms, a sixth of the start of a process that may never need it. */
  async #newGate(): Promise<FetchGate> {
    const { signal } = this.#job.life;
    const { FetchGate } = await import("../authority/fetch-gate.ts");
    const gate = new FetchGate(this.#access, this.#resolve);
    const close = (): void => void gate.close();
    // The same signal ends requests in progress.
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
    return gate;
  }
}

/** What an observer sees of a `fetch`. Invalid arguments are not reported here but when the request is sent. */
export function requestLine(
  input: string | URL | Request,
  init: RequestInit | undefined,
): { readonly target: string; readonly method: string } {
  const request = input instanceof Request ? input : undefined;
  const url = request?.url ?? (input instanceof URL ? input.href : input);
  const target = shownUrl(typeof url === "string" ? url : "");
  return { target, method: init?.method ?? request?.method ?? "GET" };
}

/** The URL and the options, from the arguments of `fetch`. */
function requested(
  input: string | URL | Request,
  given: RequestInit = {},
): { readonly url: string; readonly init: RequestInit } {
  if (!(input instanceof Request)) return { url: String(input), init: given };
  return { url: input.url, init: { ...initOf(input), ...given } };
}

/** Copies what describes the request; the other fields of a `Request` only matter in browsers. */
function initOf({ method, headers, body, redirect, signal }: Request): RequestInit {
  return { method, headers, body, redirect, signal, duplex: "half" };
}

function headersOf(init: RequestInit, { traceparent, tracestate }: TraceContext): Headers {
  const headers = new Headers(init.headers);
  if (headers.has("host")) {
    throw new ArcpError(
      "INVALID_REQUEST",
      "the URL determines the host: leave out the host header",
    );
  }
  if (headers.has("traceparent")) return headers;
  headers.set("traceparent", traceparent);
  if (tracestate !== undefined) headers.set("tracestate", tracestate);
  return headers;
}

/** Converts a `FormData` to what it is sent as, because the library does not recognise Node's own class. */
async function bodyOf({ body = null }: RequestInit): Promise<BodyInit | null> {
  return body instanceof FormData ? await new Response(body).blob() : body;
}

function shownResponse({ status, url, headers }: Response): object {
  const length = headers.get("content-length");
  const size = length === null ? {} : { byte_size: Number(length) };
  return { status, url: clip(shownUrl(url)), ...size };
}

/** The size of a request's body in bytes; undefined if it is not known in advance. */
function sizeOf(body: RequestInit["body"]): number | undefined {
  if (typeof body === "string") return Buffer.byteLength(body);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  if (body instanceof Blob) return body.size;
  return undefined;
}
