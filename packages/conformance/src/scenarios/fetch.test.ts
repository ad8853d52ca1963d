import { formatTimestamp, ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Puppets } from "../../test/puppets.ts";
import { type Answer, site } from "../../test/site.ts";
import { eventually, Stage, type StageOptions } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const code = (code: string) => expect.objectContaining({ code });

/** What the stream shows of operations: the name of each, its target, and its outcome. */
function shown(envelopes: readonly StreamEnvelope[]): unknown[] {
  return envelopes.flatMap((envelope) => {
    if (envelope.type !== "job.event") return [];
    const { kind, body } = envelope.payload;
    const { tool, args, result, error } = body as Record<string, any>;
    if (kind === "tool_call") return [[tool, args.url ?? args.path]];
    return kind === "tool_result" ? [error?.code ?? result] : [];
  });
}

describe.each(ways)("over %s", (way) => {
  test("R-9.2-7, R-9.2-9 and R-9.3-3: a URL outside the lease, direct or by redirect, is refused to the agent and in the stream", async () => {
    await using elsewhere = await site();
    const leading = (location: string): Answer => [302, location];
    await using there = await site({
      "/open/far": leading("/open/farther"),
      "/open/farther": leading("near"),
      "/open/host": leading(`${elsewhere.origin}/open/x`),
      "/open/name": leading(`http://localhost:${elsewhere.port}/`),
      "/open/path": leading("/open/%2e%2e/closed"),
      "/open/metadata": leading("http://169.254.169.254/latest/meta-data/"),
      "/open/scheme": leading("file:///etc/passwd"),
      "/open/user": leading(`http://u:p@127.0.0.1:${elsewhere.port}/`),
    });
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { origin, port } = there;
    const lease_request = {
      "net.fetch": [`${origin}/open/**`, "https://**", "http://*/**", `http://*host:*/**`],
    };
    const { puppet } = await stage.played(wire, { lease_request });
    const { fetch } = puppet.ctx;
    const response = await fetch(`${origin}/open/far`);
    expect([response.url, await response.text()]).toEqual([`${origin}/open/near`, "at /open/near"]);
    const refused = [
      [
        "/open/host",
        "/open/name",
        "/open/path",
        "/open/metadata",
        "/open/scheme",
        "/open/user",
      ].map((path) => [`${origin}${path}`, `${origin}${path}`]),
      [
        [`${origin}/closed`, `${origin}/closed`],
        [`${origin}/open/..%2fclosed?key=hidden`, `${origin}/open/..%2fclosed`],
        [`http://user:hidden@127.0.0.1:${port}/open/x`, `${origin}/open/x`],
        [`http://127.0.0.1.:${port + 1}/open/x`, `http://127.0.0.1:${port + 1}/open/x`],
        ["http://169.254.169.254/latest", "http://169.254.169.254/latest"],
        ["http://[::ffff:a9fe:a9fe]/latest", "http://[::ffff:a9fe:a9fe]/latest"],
        ["https://[::1]/", "https://[::1]/"],
        [`http://localhost:${port}/open/x`, `http://localhost:${port}/open/x`],
        ["ftp://127.0.0.1/", "ftp:…"],
      ],
    ].flat();
    for (const [url = ""] of refused) {
      await expect(fetch(url), url).rejects.toEqual(code("PERMISSION_DENIED"));
    }
    puppet.finish();
    const all = await wire.until(isTerminal);
    expect(all.at(-1)).toMatchObject({ type: "job.result" });
    expect(shown(all)).toEqual(
      refused.flatMap(([, told]) => [["net.fetch", told], "PERMISSION_DENIED"]),
    );
    expect(JSON.stringify([all, stage.logged])).not.toContain("hidden");
    expect(elsewhere.received).toEqual([]);
    expect(there.received.filter(({ url }) => !url.startsWith("/open/"))).toEqual([]);
  });

  test("R-7.4-2 and R-9.3-1: a cancel ends requests in flight, and nothing more goes out", async () => {
    await using there = await site({ "/silent": () => {} });
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire, {
      lease_request: { "net.fetch": [`${there.origin}/**`] },
    });
    const waiting = puppet.ctx.fetch(`${there.origin}/silent`);
    const ended = expect(waiting).rejects.toEqual(code("CANCELLED"));
    await eventually(() => there.received.length > 0);
    await wire.request("job.cancel", { job_id: id });
    await ended;
    await expect(puppet.ctx.fetch(`${there.origin}/x`)).rejects.toEqual(code("CANCELLED"));
    puppet.finish();
    const all = await wire.until(isTerminal);
    expect(shown(all).filter((one) => one === "CANCELLED")).toHaveLength(2);
    expect(there.received.map(({ url }) => url)).not.toContain("/x");
  });

  test("R-9.5-2 and R-9.3-1: a lease that expires between the call and the request lets nothing out", async () => {
    await using there = await site();
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock, endJobsAtExpiry: false });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, {
      lease_request: { "net.fetch": [`${there.origin}/**`] },
      lease_constraints: { expires_at: formatTimestamp(clock.now() + 60_000) },
    });
    const fetched = puppet.ctx.fetch(`${there.origin}/x`);
    clock.advance(60_000);
    await expect(fetched).rejects.toEqual(code("LEASE_EXPIRED"));
    const all = await wire.until(isTerminal);
    expect(shown(all)).toEqual([["net.fetch", `${there.origin}/x`], "LEASE_EXPIRED"]);
    expect(all.at(-1)).toMatchObject({ type: "job.error", payload: { code: "LEASE_EXPIRED" } });
    expect(there.received).toEqual([]);
  });

  test("R-9.6-6: on an empty budget nothing is fetched, even if it is free", async () => {
    await using there = await site();
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, {
      lease_request: { "net.fetch": [`${there.origin}/**`], "cost.budget": ["USD:1"] },
    });
    const fetched = puppet.ctx.fetch(`${there.origin}/x`);
    void puppet.ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
    await expect(fetched).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    puppet.finish();
    expect(shown(await wire.until(isTerminal))).toEqual([
      ["net.fetch", `${there.origin}/x`],
      "BUDGET_EXHAUSTED",
    ]);
    expect(there.received).toEqual([]);
  });

  test("an agent that opts in shows what it fetches, with sizes and no content", async () => {
    await using there = await site();
    const open = new Puppets({ name: "open", showOperations: true });
    const options: StageOptions = { agents: [open.agent] };
    await using stage = await Stage.open(way, options);
    const wire = await stage.greeted();
    await wire.submit({ agent: "open", lease_request: { "net.fetch": [`${there.origin}/**`] } });
    const { ctx, finish } = await open.next();
    const init = { method: "POST", body: "hidden", headers: { authorization: "hidden" } };
    const response = await ctx.fetch(`${there.origin}/x?key=hidden`, init);
    expect(await response.text()).toBe("at /x?key=hidden");
    finish();
    const all = await wire.until(isTerminal);
    const url = `${there.origin}/x`;
    expect(shown(all)).toEqual([["net.fetch", url], { status: 200, url, byte_size: 16 }]);
    expect(JSON.stringify([all, stage.logged])).not.toContain("hidden");
  });
});
