import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { RequirementId } from "../manifest/manifest.ts";
import type { Step } from "../test-agents/step.ts";
import type { WireClient } from "../wire/wire-client.ts";
import { endsJob } from "./job-end.ts";
import { feature } from "./need.ts";
import { stepValue } from "./script-outcome.ts";
import type { Site } from "./site.ts";

/** Provisioned credentials, which the test agents support together with the upstream. */
export const credentials = feature("provisioned_credentials");

export const newLabel = (): string => newMessageId("label_");

/** A lease that asks the upstream for a credential. */
export function wanting(how: string, label: string): Record<string, string[]> {
  return { "x-vendor.conformance.credential": [`${how}:${label}`] };
}

/** The upstream's account of a label. */
export interface Account {
  readonly issued: number;
  readonly asked: number;
  readonly revoked: number;
  readonly orders: readonly Order[];
}

interface Order {
  readonly budget: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly expires_at?: string;
}

/** The outcome of one step, done by a job of its own. */
export async function asked(site: Site, wire: WireClient, step: Step): Promise<unknown> {
  const { id } = await site.play(wire, [{ ...step, as: "it" } as Step]);
  return stepValue(await wire.next(endsJob(id)), "it");
}

/**
 * Polls the upstream's account until it is as it should be. Fails if it never is.
 *
 * @param rule the requirement that is broken then
 */
export async function accountOf(
  site: Site,
  label: string,
  fits: (account: Account) => boolean,
  rule: RequirementId = "R-9.8-6",
): Promise<Account> {
  const wire = await site.greeted();
  for (let n = 0; ; n++) {
    const account = (await asked(site, wire, { do: "account", label })) as Account;
    if (fits(account)) return account;
    if (n === 40) assert.fail(`${rule}: the upstream's account stays ${JSON.stringify(account)}`);
    await site.pause(n < 20 ? 50 : 400);
  }
}

/** Whether everything that was issued is revoked. */
export const isOver = ({ issued, revoked }: Account): boolean => issued > 0 && revoked === issued;
