// Authenticate clients with a JWT from your own identity provider.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { type Authenticate, createRuntime, defineAgent } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { errors, generateKeyPair, jwtVerify, SignJWT } from "jose";

// Stands for the identity provider.
const { privateKey, publicKey } = await generateKeyPair("EdDSA");
const issued = (subject: string, lifetime: string) =>
  new SignJWT()
    .setProtectedHeader({ alg: "EdDSA" })
    .setSubject(subject)
    .setAudience("arcp")
    .setExpirationTime(lifetime)
    .sign(privateKey);

// A function from a token to its principal, or to nothing. With a provider: createRemoteJWKSet(url) in place of the key.
const auth: Authenticate = async (token) => {
  try {
    const { payload } = await jwtVerify(token, publicKey, { audience: "arcp" });
    return payload.sub;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error; // a fault of ours: the client is told that it may try again
  }
};

const whoami = defineAgent({ name: "whoami", run: async (ctx) => ctx.job.principal });
await using runtime = createRuntime({ agents: [whoami], auth });
await using server = await listen({ port: 0 }, runtime.serve);

// The client asks the function for a token on every connection, so it does not matter if an earlier one has expired.
await using client = await connect(dial(server.url), { token: () => issued("alice", "5 min") });
const job = await client.submit("whoami");
assert.equal(await job.result(), "alice");
console.log(await job.result());

// A client whose token does not verify is told nothing more.
const [header, payload] = (await issued("mallory", "5 min")).split(".");
const forged = `${header}.${payload}.${Buffer.alloc(64).toString("base64url")}`;
for (const token of [forged, await issued("alice", "-1 min"), "nonsense"]) {
  await assert.rejects(connect(dial(server.url), { token }), { code: "UNAUTHENTICATED" });
}
console.log("forged, expired and nonsense: UNAUTHENTICATED");

/* It prints:
alice
forged, expired and nonsense: UNAUTHENTICATED
*/
