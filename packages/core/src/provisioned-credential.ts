/** A provisioned credential as on the wire. */
export interface CredentialFields {
  /** Stable within the job, also across rotation. */
  readonly id: string;
  readonly scheme: string;
  readonly value: string;
  readonly endpoint: string;
  readonly profile?: string | undefined;
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A secret for one job (section 9.8). Printing, serialising or copying it never reveals its value (R-9.8-13).
 */
export class ProvisionedCredential {
  /** Stable within the job, also across rotation. */
  readonly id: string;
  /** How the value is presented: `bearer`. */
  readonly scheme: string;
  /** The only base URL that it may be presented to. */
  readonly endpoint: string;
  /** A hint at the API dialect of the endpoint, such as `openai`. */
  readonly profile: string | undefined;
  /** What the upstream enforces. A missing constraint says nothing about the lease. */
  readonly constraints: Readonly<Record<string, unknown>> | undefined;
  readonly #value: string;

  constructor({ id, scheme, value, endpoint, profile, constraints }: CredentialFields) {
    this.id = id;
    this.scheme = scheme;
    this.endpoint = endpoint;
    this.profile = profile;
    this.constraints = constraints;
    this.#value = value;
  }

  /** The secret. */
  get value(): string {
    return this.#value;
  }

  /** The same credential with its new value. */
  rotated(value: string): ProvisionedCredential {
    return new ProvisionedCredential({ ...this, value });
  }
}
