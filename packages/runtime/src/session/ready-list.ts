import type { LogStore } from "../store/index.ts";
import type { Attachment } from "./attachment.ts";

/**
 * The attachments of one connected session of which there may be more to read, as the bells of their logs say, in the order in
 * which these rang. A bell is a hint: the read is the truth.
 */
export class ReadyList {
  readonly #logs: LogStore;
  /** Made with the first, as the list of those who wait: an idle session has neither. */
  #ready: Set<Attachment> | undefined;
  #broken: { readonly error: unknown } | undefined;
  /** Set while nothing is ready and somebody waits for it. */
  #wake: (() => void) | undefined;
  #onIdle: Array<() => void> | undefined;
  #isStopped = false;

  constructor(logs: LogStore) {
    this.#logs = logs;
  }

  /** What a bell failed with that could not be armed; undefined while all can. */
  get broken(): { readonly error: unknown } | undefined {
    return this.#broken;
  }

  get isEmpty(): boolean {
    return this.#ready === undefined || this.#ready.size === 0;
  }

  /** Also those that become ready on the way. */
  [Symbol.iterator](): Iterator<Attachment> {
    this.#ready ??= new Set();
    return this.#ready.values();
  }

  /**
   * Arms the bell of an attachment, and takes it for ready: something may be there already.
   * @param silent whether nothing is: a batch of nothing would cost a submit as much as its records do
   */
  follow(attachment: Attachment, silent: boolean): void {
    try {
      attachment.listen(this.#logs, () => this.#ring(attachment));
    } catch (error) {
      this.#broken ??= { error };
    }
    if (!silent || this.#broken !== undefined) this.#ring(attachment);
  }

  /** There is more to read of it. */
  add(attachment: Attachment): void {
    this.#ready ??= new Set();
    this.#ready.add(attachment);
  }

  /** It is about to be read. */
  delete(attachment: Attachment): void {
    this.#ready?.delete(attachment);
  }

  /** Resolves at the next bell, or when it is {@link stop}ped. */
  rung(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#rest();
    });
  }

  /** Nothing more is to be read. */
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

  /** Resolves once somebody waits for a bell, because all that was there is read; or once nobody will any more. */
  idle(): Promise<void> {
    if (this.#wake !== undefined) return Promise.resolve();
    this.#onIdle ??= [];
    const waiting = this.#onIdle;
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** Nobody waits for a bell any more. */
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
