import { type CredentialFields, isObject, type JobId, ProvisionedCredential } from "@arcp/core";
import type { IssuedCredential } from "../authority/provisioner.ts";

/** A bearer token, long enough not to occur in a text by chance. */
const VALUE = /^(?=.*[A-Za-z])[A-Za-z0-9\-._~+/]{16,8192}=*$/;
const MAX_CHARACTERS = 64 * 1024;

/** The upstream issued something unusable. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

/** @throws Unusable if the credential could not be shown to a client */
export function credentialOf(
  job: JobId,
  name: string,
  issued: IssuedCredential,
): ProvisionedCredential {
  const { value, endpoint } = issued;
  // Null is what others call nothing (R-5.2-1).
  const [profile, constraints] = [issued.profile ?? undefined, issued.constraints ?? undefined];
  const fields: CredentialFields = {
    id: `${job.replace(/^job_/, "cred-")}-${name}`,
    scheme: "bearer",
    value,
    endpoint,
    profile,
    constraints,
  };
  if (typeof value !== "string" || !VALUE.test(value)) throw new Unusable("no bearer token");
  if (!URL.canParse(endpoint)) throw new Unusable("the endpoint is no URL");
  if (profile !== undefined && typeof profile !== "string") throw new Unusable("no profile");
  if (constraints !== undefined && !isObject(constraints)) throw new Unusable("no constraints");
  if (JSON.stringify(fields).length > MAX_CHARACTERS) throw new Unusable("it is too large");
  return new ProvisionedCredential(fields);
}
