/** Something that a runtime must not do, or has left undone. */
export class Breach extends Error {
  override readonly name = "Breach";

  /** @param rule the requirement, where one says so */
  constructor(rule: string, text: string) {
    super(`${rule}: ${text}`);
  }
}
