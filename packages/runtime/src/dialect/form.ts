import { type CredentialForm, inTypeScript } from "./credential-form.ts";
import type { Profile } from "./profile.ts";
import {
  asFailedJob,
  asJobError,
  asPair,
  asPlainSessionError,
  asSessionError,
  openingAsPair,
  openingAsSessionError,
  type Refusal,
  type Rejection,
} from "./rejection.ts";
import {
  inWholeNumbers,
  type Rewrites,
  withCredentialNames,
  withDetails,
  withDims,
  withOutput,
} from "./rewriting.ts";

/** The forms in which a profile is addressed, where the published SDKs differ. */
export interface Form {
  readonly rejection: Rejection;
  readonly refusal: Refusal;
  /** Undefined if no record is rewritten, which saves a lookup per record. */
  readonly rewrites: Rewrites | undefined;
  readonly credential: CredentialForm;
  /**
   * Whether the client is told of delegated jobs: some SDKs mistake an acceptance that they did not request for that of another
   * job.
   */
  readonly introductions: "always" | "unless-submitting" | "never";
  /** Whether acceptances of jobs that the client has seen nothing of are repeated after a resume (R-6.3-8). */
  readonly repeatsAcceptances: boolean;
  /** Whether the client can be told that one subscription has ended; otherwise its connection is closed (R-6.3-17). */
  readonly losesSubscriptions: boolean;
  readonly farewell: "session.closed" | "session.bye";
  /** Whether the client writes `Z` as a zero offset (R-9.5-1). */
  readonly zeroOffset: boolean;
  /** Whether a client that closes or resumes as in the draft is taken for a client of the draft (R-D-3). */
  readonly doubtful: boolean;
}

const draft: Form = {
  rejection: asSessionError,
  refusal: openingAsSessionError,
  rewrites: undefined,
  credential: (credential) => credential,
  introductions: "always",
  repeatsAcceptances: true,
  losesSubscriptions: true,
  farewell: "session.closed",
  zeroOffset: false,
  doubtful: false,
};

/** What all published SDKs have in common. */
const published: Form = {
  ...draft,
  introductions: "never",
  repeatsAcceptances: false,
  losesSubscriptions: false,
};

/** The "send" column of DIALECTS, by profile. */
export const forms: Readonly<Record<Profile, Form>> = {
  draft,
  typescript: {
    ...published,
    rejection: asJobError,
    rewrites: { event: withDims, budget: withDims },
    credential: inTypeScript,
    introductions: "unless-submitting",
    farewell: "session.bye",
    doubtful: true,
  },
  java: {
    ...published,
    rejection: asPair,
    refusal: openingAsPair,
    rewrites: { progress: inWholeNumbers, credential_rotated: withDetails },
  },
  go: {
    ...published,
    rejection: asPlainSessionError,
    rewrites: {
      progress: inWholeNumbers,
      credential_rotated: withDetails,
      terminal: withOutput,
    },
    zeroOffset: true,
  },
  csharp: {
    ...published,
    rejection: asFailedJob,
    rewrites: { progress: inWholeNumbers, credential_rotated: withCredentialNames },
    farewell: "session.bye",
    zeroOffset: true,
    doubtful: true,
  },
};
