import { type Clock, type OptionRules, rule } from "@arcp/core";

// Kept apart from the connection, so that this package's declarations do not refer to the types of `ws`, which users do not have.

/** How a connection closes. */
export interface ConnectionOptions {
  /** How long a closing connection may take to deliver what was sent and close cleanly, in milliseconds; 2,000 by default. */
  readonly closeTimeout?: number | undefined;
  /** The source of time. Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

export const CONNECTION_RULES: OptionRules<ConnectionOptions> = {
  closeTimeout: rule.wait,
  clock: rule.clock,
};
