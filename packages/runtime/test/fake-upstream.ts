import { newSecret } from "@arcp/core";
import type {
  CredentialOrder,
  IssuedCredential,
  Provisioner,
} from "../src/authority/provisioner.ts";

/** An in-memory upstream that a test can make fail and hang. */
export class FakeUpstream implements Provisioner {
  /** The values that are in force, by alias. */
  readonly alive = new Map<string, string>();
  /** All that it ever made. */
  readonly values: string[] = [];
  readonly orders: CredentialOrder[] = [];
  /** The aliases that it was asked to revoke, as often as it was asked. */
  readonly revocations: string[] = [];
  /** Called before it makes a credential, and before it answers that it has. */
  onIssue: (order: CredentialOrder) => unknown = () => {};
  onIssued: (order: CredentialOrder) => unknown = () => {};
  onRevoke: (alias: string) => unknown = () => {};
  value: () => string = () => `sk-${newSecret()}`;

  async issue(order: CredentialOrder): Promise<IssuedCredential> {
    this.orders.push(order);
    await this.onIssue(order);
    const value = this.value();
    this.values.push(value);
    this.alive.set(order.alias, value);
    await this.onIssued(order);
    return {
      value,
      endpoint: "https://llm.example/v1",
      profile: "openai",
      constraints: { "model.use": order.models },
    };
  }

  async revoke(alias: string): Promise<boolean> {
    this.revocations.push(alias);
    await this.onRevoke(alias);
    return this.alive.delete(alias);
  }
}
