import type { LogStore } from "../store/index.ts";
import type { Attachment } from "./attachment.ts";

/**
 * The attachments of one connected session that may have more to read, in the order in which the bells of their logs rang. A bell
 * is only a hint; the read decides.
 */
export class ReadyList {
  readonly #logs: LogStore;
  /** Allocated on first use, as is the list of idle waiters: an idle session has neither. */
  #ready: Set<Attachment> | undefined;
  #broken: { readonly error: unknown } | undefined;
  /** Set while nothing is ready and the projector waits for a bell. */
  #wake: (() => void) | undefined;
  #onIdle: Array<() => void> | undefined;
  #isStopped = false;

  constructor(logs: LogStore) {
    this.#logs = logs;
  }

  /** The error of a bell that could not be armed; undefined if there is none. */
  get broken(): { readonly error: unknown } | undefined {
    return this.#broken;
  }

  get isEmpty(): boolean {
    return this.#ready === undefined || this.#ready.size === 0;
  }

  /** Also yields attachments that become ready during the iteration. */
  [Symbol.iterator](): Iterator<Attachment> {
    this.#ready ??= new Set();
    return this.#ready.values();
  }

  /**
   * Arms the bell of an attachment and marks it as ready, as there may be something to read already.
   * @param silent whether there is not; building an empty batch would cost a submit as much as its records do
   */
  follow(attachment: Attachment, silent: boolean): void {
    try {
      attachment.listen(this.#logs, () => this.#ring(attachment));
    } catch (error) {
      this.#broken ??= { error };
    }
    if (!silent || this.#broken !== undefined) this.#ring(attachment);
  }

  /** Marks an attachment as ready. */
  add(attachment: Attachment): void {
    this.#ready ??= new Set();
    this.#ready.add(attachment);
  }

  /** Unmarks an attachment that is about to be read. */
  delete(attachment: Attachment): void {
    this.#ready?.delete(attachment);
  }

  /** Resolves at the next bell, or on {@link stop}. */
  rung(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#rest();
    });
  }

  /** Ends reading. */
  stop(): void {
    this.#isStopped = true;
    this.#rouse();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Resolves once the projector waits for a bell because everything is read, or has ended. */
  idle(): Promise<void> {
    if (this.#wake !== undefined) return Promise.resolve();
    this.#onIdle ??= [];
    const waiting = this.#onIdle;
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** Resolves `idle` for good: nothing waits for a bell any more. */
  end(): void {
    this.#wake = () => {};
    this.#rest();
  }

  #ring(attachment: Attachment): void {
    this.add(attachment);
    this.#rouse();
  }

  #rest(): void {
    for (const idle of this.#onIdle?.splice(0) ?? []) idle();
  }
}
