import { backPressureCases } from "./back-pressure.ts";
import { closeCases } from "./close.ts";
import { diallingCases } from "./dialling.ts";
import { leftoverCases } from "./leftover.ts";
import { orderCases } from "./order.ts";
import { textCases } from "./text.ts";
import type { TransportCase } from "./transport-case.ts";

/**
 * What every transport promises on either end, case by case, for any test runner to loop over. Frames have the form of envelopes:
 * JSON on one line, of at most a mebibyte.
 */
export const transportContract: readonly TransportCase[] = [
  ...orderCases,
  ...textCases,
  ...backPressureCases,
  ...closeCases,
  ...diallingCases,
  ...leftoverCases,
];
