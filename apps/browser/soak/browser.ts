// The sample page in a real Chromium, over reloads, cuts of its connection and a while offline: `soak browser [ticks]`.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type CDPSession, chromium, type Page } from "playwright-core";
import { bundleClient, bundlePage } from "../src/bundle.ts";
import { Site } from "../src/site.ts";

const CUTS = 5;
const RELOADS = 2;
/** Milliseconds between two events. */
const PACE = 5;
/** The pause, in ms, that the client has to be in when the browser comes back online. */
const LONG_PAUSE = 3_000;
/** Milliseconds from there to the next welcome. */
const PROMPT = 1_000;
/** Milliseconds for all of it. */
const DEADLINE = 150_000;

const [ticks = 4_000] = process.argv.slice(2).map(Number);
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  console.error(
    `no Chromium at ${executablePath}: "apt-get install chromium", or name one in CHROMIUM`,
  );
  process.exit(1);
}

interface ShownState {
  /** Milliseconds since the page was opened. */
  readonly at: number;
  readonly name: string;
  /** Milliseconds until the next attempt, while it is retrying. */
  readonly in: number;
}

/** What the page shows, read from its document. */
class Shown {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  events(): Promise<string[]> {
    return this.#page.locator("#events > li").allTextContents();
  }

  count(): Promise<number> {
    return this.#page.locator("#events > li").count();
  }

  async result(): Promise<string> {
    return (await this.#page.locator("#result").allTextContents()).join();
  }

  async states(): Promise<ShownState[]> {
    const lines = await this.#page.locator("#states > li").allTextContents();
    return lines.map((line) => {
      const [, at, name = line, ms = "0"] = /^(\d+) ms: (\w+)(?: in (\d+) ms)?$/.exec(line) ?? [];
      return { at: Number(at), name, in: Number(ms) };
    });
  }

  async state(): Promise<ShownState | undefined> {
    return (await this.states()).at(-1);
  }
}

/** Asks until it is so. */
async function until(what: string, isSo: () => Promise<boolean>, ms = 30_000): Promise<void> {
  const late = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > late) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(20);
  }
}

async function setOffline(cdp: CDPSession, offline: boolean): Promise<void> {
  const unlimited = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
  await cdp.send("Network.emulateNetworkConditions", { offline, ...unlimited });
}

/** Events keep coming over the connection of now. */
async function flowing(shown: Shown, more: number): Promise<void> {
  const before = await shown.count();
  await until(`${more} more events`, async () => (await shown.count()) >= before + more);
}

async function cutOften(site: Site, shown: Shown): Promise<void> {
  for (let cut = 1; cut <= CUTS; cut += 1) {
    await flowing(shown, 100);
    const dialled = site.dialled;
    assert.equal(site.cut(), 1, "the page has one connection");
    const back = async (): Promise<boolean> =>
      site.dialled > dialled && (await shown.state())?.name === "online";
    await until("the page is online again", back);
    assert.equal(await shown.result(), "", "the job must outlast the cuts: take more ticks");
    console.log(
      `  cut ${cut}: back on connection ${site.dialled}, at ${await shown.count()} events`,
    );
  }
}

/** The page is loaded again in the middle of its job: it has the same session, and shows all events from the first. */
async function reloadOften(page: Page, site: Site, shown: Shown): Promise<void> {
  for (let reload = 1; reload <= RELOADS; reload += 1) {
    await flowing(shown, 100);
    const before = await shown.count();
    const session = await sessionOf(page);
    await page.reload();
    await until("the page shows what it did", async () => (await shown.count()) >= before);
    assert.equal((await shown.events())[0], "1 running");
    assert.equal(await sessionOf(page), session, "a reload goes on in the same session");
    assert.equal(await site.jobs(), 1, "a reload makes no second job");
    console.log(`  reload ${reload}: ${before} events before, ${await shown.count()} soon after`);
  }
}

async function sessionOf(page: Page): Promise<string> {
  const saved = await page.evaluate(() => sessionStorage.getItem("session"));
  assert(saved !== null, "the page saves its session");
  return JSON.parse(saved).session.id;
}

/**
 * Offline with an open connection: Chromium holds up what that carries, so it looks alive while nothing comes. It is asked
 * when the browser comes back, answers, and is kept.
 */
async function offlineWhileOnline(cdp: CDPSession, site: Site, shown: Shown): Promise<void> {
  const { dialled } = site;
  await setOffline(cdp, true);
  await pause(500);
  const before = await shown.count();
  await pause(500);
  assert.equal(await shown.count(), before, "nothing comes while the browser is offline");
  await setOffline(cdp, false);
  await flowing(shown, 100);
  assert.equal(site.dialled, dialled, "a connection that works again is kept");
  console.log("  offline for a second with an open connection: held up, then goes on");
}

/** Offline without a connection: every attempt fails, pauses grow, and the end of it is noticed at once. */
async function offlineWhileRetrying(
  page: Page,
  cdp: CDPSession,
  site: Site,
  shown: Shown,
): Promise<void> {
  const { dialled } = site;
  site.refuses = true;
  assert.equal(site.cut(), 1);
  await until("the cut shows", async () => (await shown.state())?.name !== "online");
  await setOffline(cdp, true);
  site.refuses = false;
  await until("a long pause", async () => {
    const state = await shown.state();
    return state?.name === "retrying" && state.in >= LONG_PAUSE;
  });
  const seen = await shown.count();
  assert.equal(site.dialled, dialled, "no attempt gets through while the browser is offline");
  assert.equal(await shown.result(), "", "the job must outlast the offline time: take more ticks");

  const waiting = await shown.state();
  assert(waiting !== undefined);
  await page.evaluate(() => {
    const heard = (): void => {
      document.body.dataset["online"] = String(performance.now());
    };
    addEventListener("online", heard, { once: true });
  });
  await setOffline(cdp, false);
  await until("the page is online again", async () => (await shown.state())?.name === "online");
  const event = Number(await page.locator("body").getAttribute("data-online"));
  const welcome = (await shown.state())?.at ?? Number.NaN;
  const took = Math.max(0, Math.round(welcome - event));
  const left = Math.round(waiting.at + waiting.in - event);
  console.log(
    `  offline until the pause was ${waiting.in} ms: welcome ${took} ms after the event, when ${left} ms of it were left`,
  );
  assert(event > 0 && took <= PROMPT && took < left, "the event must wake the client");
  await flowing(shown, 100);
  console.log(`  back at ${seen} events, now there are ${await shown.count()}`);
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
const [whole, bare] = [await bundleClient("es"), await bundleClient("es", ["zod"])];
console.log(
  `browser: the client is ${kilobytes(whole.size)} min+gzip, ${kilobytes(bare.size)} without zod`,
);

const watchdog = setTimeout(() => {
  console.error(`WRONG: not done within ${DEADLINE} ms`);
  process.exit(1);
}, DEADLINE);

await using site = new Site(await bundlePage());
const url = await site.open();
// Root may not use Chromium's sandbox.
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
await using browser = await chromium.launch({ executablePath, args });
console.log(`  Chromium ${browser.version()}, ${ticks} events, one every ${PACE} ms`);

const page = await browser.newPage();
const broken: Error[] = [];
page.on("pageerror", (error) => broken.push(error));
const shown = new Shown(page);
await page.goto(`${url}?ticks=${ticks}&pace=${PACE}`);
await reloadOften(page, site, shown);
await cutOften(site, shown);
const cdp = await page.context().newCDPSession(page);
await cdp.send("Network.enable");
await offlineWhileOnline(cdp, site, shown);
await offlineWhileRetrying(page, cdp, site, shown);
await until("a result", async () => (await shown.result()) !== "", 60_000);

// After a long time offline the session may add that the page is far behind, which is no event of the job.
const lines = await shown.events();
assert.deepEqual(
  lines.filter((line) => line !== "- back_pressure"),
  ["running", ...Array.from({ length: ticks }, (_, i) => `${i + 1} of ${ticks}`)].map(
    (line, i) => `${i + 1} ${line}`,
  ),
);
assert.equal(await shown.result(), JSON.stringify({ counted: ticks }));
assert.deepEqual(broken, []);
const names = (await shown.states()).map(({ name }) => name);
const times = (name: string): number => names.filter((one) => one === name).length;
const connections = 1 + CUTS + 1;
assert.equal(times("online"), connections);
assert.equal(site.dialled, RELOADS + connections);
assert.equal(names.at(-1), "online");
console.log(
  `  the page shows all ${ticks + 1} events once and in order, the result, and its states: ` +
    `online ${times("online")} times, retrying ${times("retrying")} times`,
);
clearTimeout(watchdog);
