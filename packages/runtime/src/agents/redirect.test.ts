import { describe, expect, test } from "vitest";
import { type Hop, locationOf, nextHop } from "./redirect.ts";

const secrets = { authorization: "Bearer x", cookie: "a=b", "proxy-authorization": "y" };
const ofABody = {
  "content-type": "text/plain",
  "content-language": "en",
  "content-length": "4",
  "content-encoding": "gzip",
  "content-location": "/x",
};

function hop(method: string, body: Hop["body"] = null): Hop {
  const headers = new Headers({ ...secrets, ...ofABody, "x-own": "kept" });
  return { url: "https://a.test/from/here?q#f", method, headers, body };
}

function namesOf({ headers }: Hop): string[] {
  return [...headers.keys()].sort();
}

describe("R-9.2-7: the request after a redirect follows the Fetch standard", () => {
  test.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [302, "post", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "DELETE", "GET"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [301, "GET", "GET"],
    [303, "GET", "GET"],
    [303, "HEAD", "HEAD"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [308, "PATCH", "PATCH"],
  ])("a %i answer to %s leads to a %s", (status, method, expected) => {
    const next = nextHop(hop(method, "body"), status, "/there");
    expect(next).toMatchObject({ url: "https://a.test/there", method: expected });
    const kept = expected === method;
    expect(next.body).toBe(kept ? "body" : null);
    const names = [...Object.keys(secrets), "x-own", ...(kept ? Object.keys(ofABody) : [])];
    expect(namesOf(next)).toEqual(names.sort());
  });

  test.each([
    "https://b.test/",
    "http://a.test/",
    "https://a.test:444/",
    "//b.test/",
    "https://a.test.evil/",
  ])("credentials are not sent on to %s", (location) => {
    const next = nextHop(hop("GET"), 302, location);
    expect(namesOf(next)).toEqual([...Object.keys(ofABody), "x-own"].sort());
  });

  test.each(["/x", "?x", "https://A.test:443/", "#x", "../x"])(
    "credentials are sent on to %s",
    (location) => {
      expect(namesOf(nextHop(hop("GET"), 307, location))).toContain("authorization");
    },
  );

  test("an answer that is not a redirect, or has no location, is returned", () => {
    const at = (status: number, headers: Record<string, string>) =>
      locationOf(new Response(null, { status, headers }));
    for (const status of [200, 201, 300, 304, 305, 404]) {
      expect(at(status, { location: "/x" })).toBeUndefined();
    }
    for (const status of [301, 302, 303, 307, 308]) {
      expect(at(status, { location: "/x" })).toBe("/x");
      expect(at(status, {})).toBeUndefined();
    }
    expect(() => nextHop(hop("GET"), 302, "http://[")).toThrow(TypeError);
  });

  test("a stream is not sent twice, and a redirect that drops the body may follow one", () => {
    const stream = new Blob(["body"]).stream();
    for (const status of [301, 302, 307, 308]) {
      expect(() => nextHop(hop("PUT", stream), status, "/x")).toThrow(/cannot be sent/);
    }
    expect(nextHop(hop("POST", stream), 303, "/x").body).toBeNull();
    expect(nextHop(hop("POST", stream), 302, "/x").body).toBeNull();
    for (const body of ["x", new Uint8Array(1), new Blob(["x"]), new URLSearchParams("a=b")]) {
      expect(nextHop(hop("POST", body), 307, "/x").body).toBe(body);
    }
  });
});
