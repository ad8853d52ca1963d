import { askedAgainCases } from "./asked-again.ts";
import { bellCases } from "./bell.ts";
import { crashCases } from "./crash.ts";
import { credentialCases } from "./credential.ts";
import { damageCases } from "./damage.ts";
import { disconnectCases } from "./disconnect.ts";
import { durableOrderCases } from "./durable-order.ts";
import { failureCases } from "./failure.ts";
import { idempotencyCases } from "./idempotency.ts";
import { jobRowCases } from "./job-row.ts";
import { journalCases } from "./journal.ts";
import { listingCases } from "./listing.ts";
import { logAppendCases } from "./log-append.ts";
import { logReadCases } from "./log-read.ts";
import { ownerCases } from "./owner.ts";
import { sessionCases } from "./session.ts";
import type { StoreCase } from "./store-case.ts";
import { totalLimitCases } from "./total-limit.ts";

/** What every store promises, case by case, for any test runner to loop over. */
export const storeContract: readonly StoreCase[] = [
  ...logAppendCases,
  ...logReadCases,
  ...totalLimitCases,
  ...bellCases,
  ...jobRowCases,
  ...listingCases,
  ...sessionCases,
  ...journalCases,
  ...idempotencyCases,
  ...credentialCases,
  ...askedAgainCases,
  ...durableOrderCases,
  ...crashCases,
  ...disconnectCases,
  ...damageCases,
  ...ownerCases,
  ...failureCases,
];
