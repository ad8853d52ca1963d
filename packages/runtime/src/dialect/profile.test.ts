import { expect, test } from "vitest";
import { evidenceOf, type Profile, profileOf } from "./profile.ts";

const ULID = "01KB2M3ZD4QZ7V3W8R4T6Y9N0C";
const UUID = "5f0c1d2e-3b4a-4c6d-8e9f-0a1b2c3d4e5f";

interface Opening {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly timestamp?: unknown;
  readonly client?: unknown;
  readonly features?: unknown;
}

function classed(
  { id = "req_1", type = "session.hello", timestamp, client, features }: Opening,
  setting?: Profile,
): Profile {
  const payload = { client: { name: client, version: "1" }, capabilities: { features } };
  return profileOf(
    evidenceOf(JSON.stringify({ arcp: "1.1", id, type, timestamp, payload })),
    setting,
  );
}

const NOW = "2026-11-02T08:15:30.250Z";
const MARKER = "x-vendor.arcp-ts.request_id";

test.each<[Profile, string, Opening]>([
  ["go", "the name of the Go SDK", { client: "arcp-go-client" }],
  ["java", "the name of the Java SDK", { client: "arcp-client-java" }],
  ["go", "a UUID", { id: UUID }],
  ["go", "a UUID in capitals", { id: UUID.toUpperCase() }],
  ["java", "a bare ULID", { id: ULID }],
  ["csharp", "msg_ and a ULID with a timestamp", { id: `msg_${ULID}`, timestamp: NOW }],
  ["typescript", "msg_ and a ULID without one", { id: `msg_${ULID}` }],
  [
    "typescript",
    "msg_ and a ULID with a timestamp of null",
    { id: `msg_${ULID}`, timestamp: null },
  ],
  ["draft", "anything else", { id: "hello-1" }],
  ["draft", "our own client's ids", { id: `req_${ULID}` }],
  ["draft", "ids like the draft's examples", { id: "msg_01KB2M3ZD4" }],
  ["draft", "nearly a ULID", { id: `${ULID}X` }],
  ["draft", "letters that no ULID has", { id: `msg_${ULID.replace("Z", "U")}` }],
  ["draft", "a UUID with something in front", { id: `msg_${UUID}` }],
  ["draft", "a name that is nearly an SDK's", { client: "arcp-go-client-2" }],
  ["draft", "no id at all", { id: undefined }],
  ["draft", "an id that is no text", { id: 17 }],
])("R-D-2: %s by %s", (profile, _, opening) => {
  expect(classed(opening)).toBe(profile);
});

test.each<[Profile, string, Opening, Profile?]>([
  ["csharp", "the operator, over our own marker", { features: [MARKER] }, "csharp"],
  ["go", "the operator, over session.resume", { type: "session.resume" }, "go"],
  ["draft", "the operator, over a name", { client: "arcp-go-client" }, "draft"],
  ["draft", "our marker, over a name", { client: "arcp-go-client", features: ["ack", MARKER] }],
  ["draft", "any vendor's feature, over an id", { id: ULID, features: ["x-vendor.acme.tables"] }],
  ["draft", "session.resume, over a name", { type: "session.resume", client: "arcp-client-java" }],
  ["draft", "session.resume, over an id", { type: "session.resume", id: `msg_${ULID}` }],
  ["java", "a name, over the id of another SDK", { client: "arcp-client-java", id: UUID }],
  ["go", "a name, over the id of another SDK", { client: "arcp-go-client", id: ULID }],
  ["go", "an id, where features are no list", { id: UUID, features: { "x-vendor.a.b": true } }],
])("R-D-2, R-D-6: %s by %s", (profile, _, opening, setting) => {
  expect(classed(opening, setting)).toBe(profile);
});

test.each(["", "{", "[]", "null", '"x"', '{"id":{}}', '{"payload":[1]}', "[".repeat(60_000)])(
  "R-D-2: %.20s identifies no profile",
  (frame) => {
    expect(profileOf(evidenceOf(frame))).toBe("draft");
    expect(evidenceOf(frame).id).toBeUndefined();
  },
);

test("R-5.1-3: an id that is too long is dropped, and faults elsewhere do not matter", () => {
  expect(evidenceOf(JSON.stringify({ id: "x".repeat(129) })).id).toBeUndefined();
  const frame = JSON.stringify({ id: UUID, type: "session.hello", payload: { auth: 5 } });
  expect(profileOf(evidenceOf(frame))).toBe("go");
});
