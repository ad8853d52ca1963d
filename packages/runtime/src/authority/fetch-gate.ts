import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { Agent, Dispatcher } from "undici";
import { allowedUrl, refusalOfAddresses, type UrlAccess } from "./url-access.ts";

/** All addresses behind a name, as `lookup` of `node:dns/promises`. */
export type ResolveName = (
  host: string,
  options: { readonly all: true },
) => Promise<ReadonlyArray<{ readonly address: string; readonly family: number }>>;

/**
 * The only way out for the requests of one job.
 *
 * - **N1** What is sent is the URL that was checked, in the turn in which it was checked.
 * - **N2** What is connected to is an address that was checked: a name is looked up once, and all its addresses count.
 * - **N3** No connection is used that was made with more rights than a request has. Hence one pool for hosts that the
 *   lease names and one for the others, and both are the job's own.
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

  /** Takes nothing more. Resolves when what is under way has ended and all connections are closed. */
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
