import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A key as the proxy stores it. */
export interface ProxyKey {
  readonly key: string;
  readonly key_alias: string;
  readonly models: readonly string[];
  readonly max_budget?: number;
  readonly duration?: string;
  readonly metadata?: unknown;
}

/** How the proxy answers: as documented, or with this status and body. */
export type Answer = "as documented" | { readonly status: number; readonly body?: unknown };

/** A server that behaves like the part of a LiteLLM proxy that is used here: keys are made, deleted, and called with. */
export class LitellmProxy implements AsyncDisposable {
  /** The keys that are in force, by alias. */
  readonly keys = new Map<string, ProxyKey>();
  answer: Answer = "as documented";
  readonly #masterKey: string;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(masterKey: string) {
    this.#masterKey = masterKey;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
    const bearer = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    const { status, body: answer = {} } =
      this.answer === "as documented" ? this.#handle(request.url ?? "", bearer, body) : this.answer;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }

  #handle(
    path: string,
    bearer: string,
    body: Record<string, unknown>,
  ): { status: number; body: unknown } {
    if (path === "/v1/chat/completions") return this.#complete(bearer, String(body["model"]));
    if (bearer !== this.#masterKey) return refusal(401, "auth_error", `no such key: ${bearer}`);
    if (path === "/key/generate") return this.#generate(body as unknown as ProxyKey);
    if (path === "/key/delete") return this.#delete(body["key_aliases"] as string[]);
    return refusal(404, "not_found", path);
  }

  #generate(asked: ProxyKey): { status: number; body: unknown } {
    if (this.keys.has(asked.key_alias)) {
      return refusal(
        400,
        "bad_request_error",
        `Key with alias '${asked.key_alias}' already exists`,
      );
    }
    const key = { ...asked, key: `sk-${randomBytes(16).toString("base64url")}` };
    this.keys.set(key.key_alias, key);
    return { status: 200, body: { ...key, expires: null, token: randomBytes(32).toString("hex") } };
  }

  #delete(aliases: readonly string[]): { status: number; body: unknown } {
    const found = aliases.filter((alias) => this.keys.delete(alias));
    if (found.length === 0) return refusal(404, "not_found_error", "No keys found");
    return { status: 200, body: { deleted_keys: aliases } };
  }

  #complete(bearer: string, model: string): { status: number; body: unknown } {
    const key = [...this.keys.values()].find((one) => one.key === bearer);
    if (key === undefined) return refusal(401, "auth_error", `Incorrect API key: ${bearer}`);
    const allowed = key.models.some((one) =>
      one.endsWith("*") ? model.startsWith(one.slice(0, -1)) : one === model,
    );
    if (!allowed) return refusal(401, "key_model_access_denied", model);
    return {
      status: 200,
      body: { choices: [{ message: { role: "assistant", content: "hoot" } }] },
    };
  }
}

function refusal(status: number, type: string, message: string) {
  return { status, body: { error: { message, type, param: null, code: String(status) } } };
}
