/** Whole units of 10^-18, the finest amount that there is. */
export type Units = bigint;

const SCALE = 18;

/** @param text an exact decimal, possibly negative */
export function units(text: string): Units {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (whole === "") throw new Error(`${text} is no decimal`);
  const value = BigInt(whole + fraction.padEnd(SCALE, "0"));
  return sign === "" ? value : -value;
}

export function decimal(value: Units): string {
  const digits = `${value < 0n ? -value : value}`.padStart(SCALE + 1, "0");
  const text = `${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`.replace(/\.?0+$/, "");
  return value < 0n ? `-${text}` : text;
}

/** What a reservation holds, and on which accounts. */
export type Hold = ReadonlyArray<readonly [account: Account, currency: string, amount: Units]>;

/**
 * One job's money as sections 9.4 and 9.6 define it, in whole units: everything is summed anew from what happened, so
 * that no counter can drift.
 */
export class Account {
  readonly grant: ReadonlyMap<string, Units>;
  readonly parent: Account | undefined;
  readonly children: Account[] = [];
  readonly open = new Set<Hold>();
  live = true;
  readonly #spent: Array<readonly [currency: string, amount: Units]> = [];

  constructor(grant: ReadonlyMap<string, Units>, parent?: Account) {
    this.grant = grant;
    this.parent = parent;
    parent?.children.push(this);
  }

  /** After its end, the nearest live ancestor spends in its place. */
  spend(currency: string, amount: Units): void {
    if (!this.live && this.parent !== undefined) this.parent.spend(currency, amount);
    else this.#spent.push([currency, amount]);
  }

  /** Its own and its descendants', live or not. */
  spent(currency: string): Units {
    const own = this.#spent.map(([name, amount]) => (name === currency ? amount : 0n));
    return sum([...own, ...this.children.map((child) => child.spent(currency))]);
  }

  remaining(currency: string): Units {
    return (this.grant.get(currency) ?? 0n) - this.spent(currency);
  }

  available(currency: string): Units {
    return this.remaining(currency) - this.#setAside(currency, undefined);
  }

  /**
   * Whether amounts can be set aside, here and with each ancestor that budgets them: what each has left is promised
   * once, even if it has itself spent what it had granted.
   */
  fits(amounts: ReadonlyMap<string, Units>): boolean {
    return [...amounts].every(([currency, amount]) => {
      const line = this.#line();
      return line.every((at, index) => {
        const within = line.slice(0, index + 1);
        const promised = within.map((one, below) => one.#setAside(currency, line[below - 1]));
        return !at.grant.has(currency) || at.remaining(currency) - sum(promised) >= amount;
      });
    });
  }

  /** Sets amounts aside, each with the nearest account that budgets it. */
  hold(amounts: ReadonlyMap<string, Units>): Hold {
    const hold: Hold = [...amounts].flatMap(([currency, amount]) => {
      let at: Account | undefined = this;
      while (at !== undefined && !at.grant.has(currency)) at = at.parent;
      return at === undefined ? [] : [[at, currency, amount] as const];
    });
    this.open.add(hold);
    return hold;
  }

  /** This much of it was spent. @returns what is still held */
  lessen(hold: Hold, spent: ReadonlyMap<string, Units>): Hold {
    const rest = hold.map(([at, currency, amount]) => {
      const left = amount - (spent.get(currency) ?? 0n);
      return [at, currency, left > 0n ? left : 0n] as const;
    });
    this.open.delete(hold);
    this.open.add(rest);
    return rest;
  }

  /** Together with its descendants. */
  end(): void {
    for (const child of this.children) child.end();
    this.open.clear();
    this.live = false;
  }

  /** From itself to the root job. */
  #line(): Account[] {
    return this.parent === undefined ? [this] : [this, ...this.parent.#line()];
  }

  /** @param but a child whose grant does not count */
  #setAside(currency: string, but: Account | undefined): Units {
    const others = this.children.filter((child) => child.live && child !== but);
    const granted = others.filter(({ grant }) => grant.has(currency));
    return this.#held(this, currency) + sum(granted.map((child) => child.#claim(currency)));
  }

  /** What its parent may not promise to others: what it has not spent, or what it has promised if that is more. */
  #claim(currency: string): Units {
    const unspent = this.remaining(currency);
    const promised = this.#setAside(currency, undefined);
    if (unspent > promised) return unspent;
    return promised;
  }

  /** What `account` holds for the reservations of this job and its descendants. */
  #held(account: Account, currency: string): Units {
    const own = [...this.open].flat().filter(([at, name]) => at === account && name === currency);
    const below = this.children.map((child) => child.#held(account, currency));
    return sum([...own.map(([, , amount]) => amount), ...below]);
  }
}

function sum(values: readonly Units[]): Units {
  return values.reduce((total, value) => total + value, 0n);
}
