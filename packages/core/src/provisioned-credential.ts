/** A provisioned credential as the wire has it. */
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
 * A secret for one job (section 9.8). It shows all but its value when it is printed, serialised or copied (R-9.8-13).
 */
export class ProvisionedCredential {
  /** Stable within the job, also across rotation. */
  readonly id: string;
  /** `bearer`. */
  readonly scheme: string;
  /** The only base URL that it may be presented to. */
  readonly endpoint: string;
  /** A hint at the dialect of the API there, such as `openai`. */
  readonly profile: string | undefined;
  /** What the upstream enforces; what is missing says nothing about the lease. */
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

  /** The same credential with its value of now. */
  rotated(value: string): ProvisionedCredential {
    return new ProvisionedCredential({ ...this, value });
  }
}
