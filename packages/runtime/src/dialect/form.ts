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

/** What a profile is sent where the published SDKs differ. */
export interface Form {
  readonly rejection: Rejection;
  readonly refusal: Refusal;
  /** Undefined where no record is: then nothing is looked up for each of them. */
  readonly rewrites: Rewrites | undefined;
  readonly credential: CredentialForm;
  /** Whether it hears of delegated jobs: some SDKs take an acceptance that they did not ask for for another job's. */
  readonly introductions: "always" | "unless-submitting" | "never";
  /** Whether it is told once more, after a resume, of jobs that it has seen nothing of (R-6.3-8). */
  readonly repeatsAcceptances: boolean;
  /** Whether it can be told that one subscription has ended; else its connection ends (R-6.3-17). */
  readonly losesSubscriptions: boolean;
  readonly farewell: "session.closed" | "session.bye";
  /** Whether it writes `Z` as an offset of zero (R-9.5-1). */
  readonly zeroOffset: boolean;
  /** Whether one that closes or resumes in the words of the draft is taken for a client of the draft (R-D-3). */
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
