import { formatTimestamp } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { type Answer, site } from "../../test/site.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "./agent.ts";
import type { AgentContext } from "./context.ts";

/** A job that may fetch everything below `/open/` of one site, and a site that it may not reach. */
async function fetching(
  answers: (elsewhere: string) => Record<string, Answer> = () => ({}),
  { patterns = [], ...rest }: { patterns?: string[]; [option: string]: unknown } = {},
) {
  const elsewhere = await site();
  const there = await site(answers(elsewhere.origin));
  const begun = Promise.withResolvers<AgentContext>();
  const ended = Promise.withResolvers<void>();
  const open = defineAgent({
    name: "open",
    showOperations: true,
    run: async (ctx) => {
      begun.resolve(ctx);
      await ended.promise;
    },
  });
  const rig = hosting({ agents: [open], endJobsAtExpiry: false });
  const viewer = new Viewer(rig.runtime);
  await viewer.hello([...ALL_FEATURES, "lease_expires_at"]);
  const lease_request = { "net.fetch": [`${there.origin}/open/**`, ...patterns], ...rest };
  const lease_constraints = { expires_at: formatTimestamp(rig.clock.now() + 60_000) };
  const job = await rig.start(viewer, { lease_request, lease_constraints });
  /** The operations that the stream shows, as `net.fetch GET url` and a code or a result. */
  const shown = async () => {
    await settled();
    return viewer.stream
      .filter(({ payload }) => /^tool_/.test(payload.kind))
      .map(({ payload: { body } }) => body.args ?? body.error?.code ?? body.result);
  };
  return {
    ...rig,
    viewer,
    there,
    elsewhere,
    job,
    ctx: job.ctx,
    shown,
    /** A job of an agent that shows all its operations. */
    openly: async () => {
      await viewer.submit("open", null, { lease_request });
      return await begun.promise;
    },
    [Symbol.asyncDispose]: async () => {
      ended.resolve();
      await rig.runtime.close();
      await Promise.all([there[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()]);
    },
  };
}

const code = (code: string) => expect.objectContaining({ code });

test("R-9.3-2: what the lease covers is fetched, and the stream shows nothing", async () => {
  await using rig = await fetching();
  const { ctx, there } = rig;
  const response = await ctx.fetch(new URL(`${there.origin}/open/x?q=1#f`), {
    method: "POST",
    headers: { authorization: "Bearer secret" },
    body: "hello",
  });
  expect(await response.text()).toBe("at /open/x?q=1");
  expect(response).toMatchObject({
    ok: true,
    status: 200,
    redirected: false,
    url: `${there.origin}/open/x?q=1`,
  });
  expect(there.received).toMatchObject([
    {
      method: "POST",
      url: "/open/x?q=1",
      body: "hello",
      headers: { authorization: "Bearer secret" },
    },
  ]);
  expect(await rig.shown()).toEqual([]);
});

describe("R-9.3-3: a refusal is an error to the agent and a pair of events on the stream, without secrets", () => {
  test.each([
    ["https://user:password@a.test/x?key=secret", "https://a.test/x"],
    ["file:///etc/secret", "file:…"],
    ["data:text/plain,secret", "data:…"],
    ["not a secret url", "a text that is not an absolute URL"],
    ["https://user:secret@host:99999/", "a text that is not an absolute URL"],
    ["http://a.test/..%2fx", "http://a.test/..%2fx"],
    ["http://a.test/?secret", "http://a.test/"],
  ])("%s", async (url, shownAs) => {
    await using rig = await fetching();
    const init = { headers: { "x-key": "secret" }, body: "secret", method: "POST" };
    const error = await rig.ctx.fetch(url, init).catch((thrown: unknown) => thrown);
    expect(error).toEqual(code("PERMISSION_DENIED"));
    expect(await rig.shown()).toEqual([
      { method: "POST", url: shownAs, byte_size: 6 },
      "PERMISSION_DENIED",
    ]);
    expect(`${error}${JSON.stringify(rig.viewer.frames)}`).not.toMatch(/secret|password/);
  });

  test("an invalid URL is reported once", async () => {
    await using rig = await fetching();
    await expect(rig.ctx.fetch("not a secret url")).rejects.toThrow(
      "net.fetch is refused: the URL is not an absolute URL",
    );
  });

  test("a long URL is truncated", async () => {
    await using rig = await fetching();
    await expect(rig.ctx.fetch(`http://a.test/${"x".repeat(5_000)}`)).rejects.toThrow(/x{100}…/);
    expect(JSON.stringify(await rig.shown()).length).toBeLessThan(400);
  });
});

describe("R-9.2-7: redirects", () => {
  test("are followed where the lease covers every step", async () => {
    await using rig = await fetching(() => ({
      "/open/1": [301, "2?x"],
      "/open/2?x": [307, "/open/3#f"],
    }));
    const { ctx, there } = rig;
    const response = await ctx.fetch(`${there.origin}/open/1`, {
      method: "PUT",
      body: new Uint8Array([104, 105]),
      headers: { authorization: "x", "content-type": "text/x" },
    });
    expect(await response.text()).toBe("at /open/3");
    expect(response).toMatchObject({ redirected: true, url: `${there.origin}/open/3` });
    const sent = {
      method: "PUT",
      body: "hi",
      headers: { authorization: "x", "content-type": "text/x" },
    };
    expect(there.received).toMatchObject([
      { url: "/open/1", ...sent },
      { url: "/open/2?x", ...sent },
      { url: "/open/3", ...sent },
    ]);
  });

  test("to another origin that the lease covers drop the credentials", async () => {
    await using other = await site();
    await using rig = await fetching(() => ({ "/open/1": [302, `${other.origin}/`] }), {
      patterns: [`${other.origin}/**`],
    });
    await rig.ctx.fetch(`${rig.there.origin}/open/1`, {
      method: "POST",
      body: "x",
      headers: { authorization: "secret", cookie: "secret", "x-own": "kept" },
    });
    expect(other.received).toMatchObject([
      { method: "GET", body: "", headers: { "x-own": "kept" } },
    ]);
    expect(JSON.stringify(other.received)).not.toMatch(/secret|content-/);
  });

  test.each<[string, (elsewhere: string) => string]>([
    ["another host", (elsewhere) => `${elsewhere}/open/x`],
    ["another path", () => "/closed"],
    ["above", () => "/open/../closed"],
    ["above, encoded", () => "/open/%2e%2e/closed"],
    ["an escaped slash", () => "/open/..%2fclosed"],
    ["another scheme", () => "file:///etc/passwd"],
    ["another scheme of the web", (elsewhere) => elsewhere.replace("http", "https")],
    ["data", () => "data:text/plain,x"],
    ["user information", (elsewhere) => elsewhere.replace("//", "//u:p@")],
    ["the metadata service", () => "http://169.254.169.254/latest/meta-data/"],
    ["the loopback", () => "http://[::1]/"],
  ])("to %s are refused", async (_, location) => {
    await using rig = await fetching((elsewhere) => ({
      "/open/1": [302, "/open/2"],
      "/open/2": [302, location(elsewhere)],
    }));
    const { ctx, there, elsewhere } = rig;
    await expect(ctx.fetch(`${there.origin}/open/1`)).rejects.toEqual(code("PERMISSION_DENIED"));
    expect(there.received.map(({ url }) => url)).toEqual(["/open/1", "/open/2"]);
    expect(elsewhere.received).toEqual([]);
    expect(await rig.shown()).toEqual([
      { method: "GET", url: `${there.origin}/open/1` },
      "PERMISSION_DENIED",
    ]);
  });

  test("to the same place but with user information are refused, too", async () => {
    await using rig = await fetching(() => ({}));
    const { origin, port } = rig.there;
    await using turn = await site({ "/": [302, `http://u:p@127.0.0.1:${port}/open/x`] });
    await using again = await fetching(() => ({}), {
      patterns: [`${turn.origin}/**`, `${origin}/**`],
    });
    await expect(again.ctx.fetch(turn.origin)).rejects.toEqual(code("PERMISSION_DENIED"));
    expect(rig.there.received).toEqual([]);
  });

  test("to a private address are refused even if a wildcard covers it", async () => {
    await using rig = await fetching((elsewhere) => ({ "/open/1": [302, `${elsewhere}/`] }), {
      patterns: ["http://**", "**"],
    });
    await expect(rig.ctx.fetch(`${rig.there.origin}/open/1`)).rejects.toThrow(
      /not a public address/,
    );
    expect(rig.elsewhere.received).toEqual([]);
  });

  test("to a name that resolves to loopback are refused even if a wildcard covers it", async () => {
    await using rig = await fetching(
      (elsewhere) => ({ "/open/1": [302, elsewhere.replace("127.0.0.1", "localhost")] }),
      { patterns: ["http://**"] },
    );
    await expect(rig.ctx.fetch(`${rig.there.origin}/open/1`)).rejects.toThrow(
      "net.fetch does not cover localhost, behind which is a private address",
    );
    expect(rig.elsewhere.received).toEqual([]);
    expect(await rig.shown()).toContain("PERMISSION_DENIED");
  });

  test("in a circle end after twenty, and a target behind twenty is reached", async () => {
    const steps = Array.from({ length: 20 }, (_, i): [string, Answer] => [
      `/open/${i}`,
      [302, `/open/${i + 1}`],
    ]);
    await using rig = await fetching(() => ({
      ...Object.fromEntries(steps),
      "/open/loop": [302, "/open/loop"],
    }));
    const { ctx, there } = rig;
    expect(await (await ctx.fetch(`${there.origin}/open/0`)).text()).toBe("at /open/20");
    await expect(ctx.fetch(`${there.origin}/open/loop`)).rejects.toThrow(TypeError);
    expect(there.received).toHaveLength(21 + 21);
  });

  test("are left to an agent that handles them itself, or fail if it says so", async () => {
    await using rig = await fetching((elsewhere) => ({ "/open/1": [302, elsewhere] }));
    const { ctx, there, elsewhere } = rig;
    const url = `${there.origin}/open/1`;
    const response = await ctx.fetch(url, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, elsewhere.origin]);
    await expect(ctx.fetch(url, { redirect: "error" })).rejects.toThrow(TypeError);
    expect(elsewhere.received).toEqual([]);
  });

  test("do not send a stream twice", async () => {
    await using rig = await fetching(() => ({ "/open/1": [307, "/open/2"] }));
    const { ctx, there } = rig;
    const body = new Blob(["a stream"]).stream();
    const init = { method: "POST", body, duplex: "half" } as const;
    await expect(ctx.fetch(`${there.origin}/open/1`, init)).rejects.toThrow(/cannot be sent again/);
    expect(there.received).toMatchObject([{ body: "a stream" }]);
  });

  test.each<[string, () => { body: NonNullable<RequestInit["body"]>; sent: RegExp; type: RegExp }]>(
    [
      [
        "a form",
        () => {
          const form = new FormData();
          form.append("name", "value");
          return {
            body: form,
            sent: /name="name"\r\n\r\nvalue\r\n/,
            type: /^multipart\/form-data; ?boundary=-/,
          };
        },
      ],
      [
        "parameters",
        () => ({ body: new URLSearchParams("a=b"), sent: /^a=b$/, type: /urlencoded/ }),
      ],
      [
        "a blob",
        () => ({ body: new Blob(["x"], { type: "text/x" }), sent: /^x$/, type: /^text\/x$/ }),
      ],
      ["text", () => ({ body: "é", sent: /^é$/, type: /^text\/plain/ })],
    ],
  )("send %s twice", async (_, make) => {
    await using rig = await fetching(() => ({ "/open/1": [308, "/open/2"] }));
    const { body, sent, type } = make();
    await rig.ctx.fetch(`${rig.there.origin}/open/1`, { method: "POST", body });
    expect(rig.there.received).toHaveLength(2);
    for (const { body: got, headers } of rig.there.received) {
      expect(got).toMatch(sent);
      expect(headers["content-type"]).toMatch(type);
    }
  });
});

describe("R-9.3-1: the guard is asked again in the turn in which a request leaves", () => {
  test("an expiry right after the call", async () => {
    await using rig = await fetching();
    const { ctx, there, clock } = rig;
    const fetched = ctx.fetch(`${there.origin}/open/x`);
    clock.advance(60_000);
    await expect(fetched).rejects.toEqual(code("LEASE_EXPIRED"));
    expect(there.received).toEqual([]);
    expect(await rig.shown()).toEqual([
      { method: "GET", url: `${there.origin}/open/x` },
      "LEASE_EXPIRED",
    ]);
    expect((await rig.viewer.terminal(rig.job.id)).payload.code).toBe("LEASE_EXPIRED");
  });

  test("an expiry between a request and its redirect", async () => {
    let expire = (): void => {};
    await using rig = await fetching(() => ({
      "/open/1": (reply) => {
        expire();
        reply.writeHead(302, { location: "/open/2" }).end();
      },
    }));
    const { ctx, there, clock } = rig;
    expire = () => clock.advance(60_000);
    await expect(ctx.fetch(`${there.origin}/open/1`)).rejects.toEqual(code("LEASE_EXPIRED"));
    expect(there.received.map(({ url }) => url)).toEqual(["/open/1"]);
  });

  test("a budget that is exhausted by then", async () => {
    await using rig = await fetching(() => ({}), { "cost.budget": ["USD:1"] });
    const { ctx, there } = rig;
    const fetched = ctx.fetch(`${there.origin}/open/x`);
    void ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
    await expect(fetched).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    await expect(ctx.fetch("http://elsewhere.test/")).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    expect(there.received).toEqual([]);
  });

  test("the record of a shown operation is durable before anything is sent", async () => {
    await using rig = await fetching();
    const { there, store } = rig;
    const ctx = await rig.openly();
    await settled();
    store.held.logs.hold();
    const fetched = ctx.fetch(`${there.origin}/open/x`);
    await settled();
    expect(there.received).toEqual([]);
    await store.held.logs.open();
    expect((await fetched).status).toBe(200);
  });
});

describe("R-7.4-2: a job that must stop fetches nothing more", () => {
  test("a cancel ends a waiting request, and a body that is still arriving", async () => {
    await using rig = await fetching(() => ({
      "/open/silent": () => {},
      "/open/endless": (reply) => void reply.write("beginning"),
    }));
    const { ctx, there, viewer, job } = rig;
    const reader = (await ctx.fetch(`${there.origin}/open/endless`)).body?.getReader();
    await reader?.read();
    const waiting = ctx.fetch(`${there.origin}/open/silent`);
    const refusal = expect(waiting).rejects.toEqual(code("CANCELLED"));
    await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
    await refusal;
    await expect(reader?.read()).rejects.toEqual(code("CANCELLED"));
    await expect(ctx.fetch(`${there.origin}/open/x`)).rejects.toEqual(code("CANCELLED"));
    expect((await rig.shown()).filter((one) => one === "CANCELLED")).toHaveLength(2);
  });

  test("the caller's own signal works as usual, and shows nothing", async () => {
    await using rig = await fetching(() => ({ "/open/silent": () => {} }));
    const abort = new AbortController();
    const fetched = rig.ctx.fetch(`${rig.there.origin}/open/silent`, { signal: abort.signal });
    abort.abort();
    await expect(fetched).rejects.toMatchObject({ name: "AbortError" });
    expect(await rig.shown()).toEqual([]);
  });

  test("the end of a job closes its connections", async () => {
    await using rig = await fetching();
    const { ctx, there, job, viewer } = rig;
    await (await ctx.fetch(`${there.origin}/open/x`)).text();
    expect(await there.connections()).toBe(1);
    job.end();
    await viewer.terminal(job.id);
    await expect.poll(() => there.connections()).toBe(0);
  });
});

test("an agent that asks for it shows its fetches, with sizes but no content", async () => {
  await using rig = await fetching(() => ({
    "/open/1": [302, "/open/2?key=secret"],
    "/open/none": (reply) => void reply.destroy(),
  }));
  const { origin } = rig.there;
  const ctx = await rig.openly();
  const init = { method: "POST", body: "secret", headers: { "x-key": "secret" } };
  expect(await (await ctx.fetch(`${origin}/open/1`, init)).text()).toBe("at /open/2?key=secret");
  await expect(ctx.fetch(`${origin}/open/none`)).rejects.toThrow(TypeError);
  await expect(ctx.fetch(`${origin}/closed`)).rejects.toEqual(code("PERMISSION_DENIED"));
  expect(await rig.shown()).toEqual([
    { method: "POST", url: `${origin}/open/1`, byte_size: 6 },
    { status: 200, url: `${origin}/open/2`, byte_size: 21 },
    { method: "GET", url: `${origin}/open/none` },
    "INTERNAL_ERROR",
    { method: "GET", url: `${origin}/closed` },
    "PERMISSION_DENIED",
  ]);
  expect(JSON.stringify(rig.viewer.frames)).not.toContain("secret");
  const [failed] = rig.viewer.frames.flatMap(({ payload }) => payload.body?.error ?? []);
  expect(failed.message).toMatch(/^net\.fetch failed: TypeError \w*Error UND_ERR_SOCKET$/);
});

test("R-9.2-10: neither a host header nor a dispatcher evades a check", async () => {
  await using rig = await fetching();
  const { ctx, there, elsewhere } = rig;
  const url = `${there.origin}/open/x`;
  await expect(ctx.fetch(url, { headers: { Host: "other.test" } })).rejects.toThrow(/host header/);
  const dispatcher = { dispatch: () => expect.fail("never asked") };
  await ctx.fetch(url, { dispatcher } as object);
  expect([there.received.length, elsewhere.received.length]).toEqual([1, 0]);
});

test("it can replace the global fetch, requests included", async () => {
  await using rig = await fetching();
  const { ctx, there } = rig;
  const standard: typeof fetch = ctx.fetch;
  const init = { method: "PUT", body: "hello", headers: { "x-own": "kept" } };
  await standard(new Request(`${there.origin}/open/x`, init));
  await standard(new Request(`${there.origin}/open/y`, init), { method: "POST", body: "bye" });
  expect(there.received).toMatchObject([
    { url: "/open/x", method: "PUT", body: "hello", headers: { "x-own": "kept" } },
    { url: "/open/y", method: "POST", body: "bye", headers: { "x-own": "kept" } },
  ]);
  const refused = standard(new Request(`${there.origin}/closed`));
  await expect(refused).rejects.toEqual(code("PERMISSION_DENIED"));
});
