import { type Clock, type OptionRules, rule } from "@arcp/core";

// Apart from the connection, so that the declarations of this package name no types of `ws`, which users do not have.

/** How a connection parts. */
export interface ConnectionOptions {
  /** Milliseconds that a closed connection has to deliver what was sent and to part in good order; 2,000 by default. */
  readonly closeTimeout?: number | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock | undefined;
}

export const CONNECTION_RULES: OptionRules<ConnectionOptions> = {
  closeTimeout: rule.wait,
  clock: rule.clock,
};
