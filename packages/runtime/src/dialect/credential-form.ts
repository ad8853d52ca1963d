import type { CredentialFields } from "@arcp/core";

/** A credential as a client gets it; undefined for one that it could not read. */
export type CredentialForm = (credential: CredentialFields) => CredentialFields | undefined;

/** The TypeScript SDK knows one scheme, and has names of its own for what the upstream enforces. */
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
