import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { Agent, Dispatcher } from "undici";
import { allowedUrl, refusalOfAddresses, type UrlAccess } from "./url-access.ts";

/** Resolves a name to all its addresses, as `lookup` of `node:dns/promises` does. */
export type ResolveName = (
  host: string,
  options: { readonly all: true },
) => Promise<ReadonlyArray<{ readonly address: string; readonly family: number }>>;

/**
 * The only way out for the requests of one job.
 *
 * - **N1** The URL that is sent is the one that was checked, in the same turn.
 * - **N2** The address that is connected to was checked: a name is resolved once, and all its addresses count.
 * - **N3** A request never uses a connection that was opened with more rights than it has. Hence one pool for hosts that the lease
 *   names and one for all others, and both belong to one job only.
 */
export class FetchGate extends Dispatcher {
  readonly #access: UrlAccess;
  readonly #named: Agent;
  readonly #others: Agent;

  constructor(access: UrlAccess, resolve: ResolveName = lookup) {
    super();
    this.#access = access;
    this.#named = new Agent({ connect: { lookup: checkedLookup(true, resolve) } });
    this.#others = new Agent({ connect: { lookup: checkedLookup(false, resolve) } });
  }

  /** @throws ArcpError the refusal */
  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const { href, origin, named } = allowedUrl(this.#access, `${options.origin}${options.path}`);
    const pool = named ? this.#named : this.#others;
    return pool.dispatch({ ...options, origin, path: href.slice(origin.length) }, handler);
  }

  /** Accepts no more requests. Resolves when those in progress have ended and all connections are closed. */
  override async close(): Promise<void> {
    await Promise.all([this.#named.close(), this.#others.close()]);
  }
}

function checkedLookup(named: boolean, resolve: ResolveName): LookupFunction {
  return (host, { all, ...options }, callback) => {
    resolve(host, { ...options, all: true }).then(
      (found) => {
        const addresses = found.map(({ address }) => address);
        const refusal = refusalOfAddresses(host, addresses, named);
        const [first] = found;
        if (refusal !== undefined) callback(refusal, "");
        else if (all === true) callback(null, [...found]);
        else callback(null, first?.address ?? "", first?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ""),
    );
  };
}
