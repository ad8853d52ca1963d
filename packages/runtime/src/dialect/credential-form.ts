import type { CredentialFields } from "@arcp/core";

/** Converts a credential for a client; undefined if the client could not read it. */
export type CredentialForm = (credential: CredentialFields) => CredentialFields | undefined;

/** The TypeScript SDK knows only one scheme, and names the upstream's constraints differently. */
export const inTypeScript: CredentialForm = (credential) => {
  const { scheme, constraints } = credential;
  if (scheme !== "bearer") return undefined;
  if (constraints === undefined) return credential;
  const { "model.use": allowed_models, "cost.budget": max_spend } = constraints;
  return {
    ...credential,
    constraints: {
      ...(allowed_models !== undefined && { allowed_models }),
      ...(max_spend !== undefined && { max_spend }),
      ...constraints,
    },
  };
};
