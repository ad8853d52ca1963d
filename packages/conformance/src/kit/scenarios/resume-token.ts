import assert from "node:assert/strict";
import type { WireClient } from "../../wire/wire-client.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Site } from "../site.ts";
import { reached, thought } from "../thought.ts";

const tokenOf = ({ welcome }: WireClient): string => welcome.payload.resume_token;

/** Resumes this many times, each time losing the welcome, and always with the same token. @returns the tokens that nobody got */
async function lostTokens(site: Site, wire: WireClient, count: number): Promise<string[]> {
  const resumeToken = tokenOf(wire);
  const lost: string[] = [];
  for (let i = 0; i < count; i++) {
    const again = await site.resumed(wire, { resumeToken, lastEventSeq: 0 });
    lost.push(tokenOf(again));
    await site.drop(again);
  }
  return lost;
}

const isVoid = (site: Site, wire: WireClient, resumeToken: string, told: string) =>
  refusedWith(
    site.resumed(wire, { resumeToken, lastEventSeq: 0 }),
    "RESUME_WINDOW_EXPIRED",
    `R-6.3-7: ${told}`,
  );

export const resumeToken: readonly Scenario[] = [
  {
    name: "a client that lost a welcome resumes with the previous token, or with the new one if it arrived after all",
    verifies: ["R-6.3-7"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step]);
      await reached(wire, "seen");
      await site.drop(wire);
      const [first = ""] = await lostTokens(site, wire, 2);
      const again = await site.resumed(wire, { resumeToken: first });
      // Presenting it has confirmed it.
      await isVoid(site, wire, tokenOf(wire), "a token before the confirmed one is void");
      await gate.open();
      await again.until(isTerminal);
    },
  },
  {
    name: "a message on the connection that received a token voids the tokens before it",
    verifies: ["R-6.3-7"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step]);
      await reached(wire, "seen");
      await site.drop(wire);
      const [lost = ""] = await lostTokens(site, wire, 1);
      const again = await site.resumed(wire);
      await site.settled(again);
      for (const old of [tokenOf(wire), lost]) {
        await isVoid(site, wire, old, "a token is void once a later one is confirmed");
      }
      await gate.open();
      await again.until(isTerminal);
    },
  },
  {
    name: "of the unconfirmed tokens the newest eight are valid, and none before them",
    verifies: ["R-6.3-7"],
    async play(site) {
      const wire = await site.greeted();
      await site.drop(wire);
      const lost = await lostTokens(site, wire, 10);
      const oldest = lost.at(-8) ?? "";
      for (const early of lost.slice(0, 2)) {
        await isVoid(site, wire, early, "at most eight unconfirmed tokens are good");
      }
      const again = await site.resumed(wire, { resumeToken: oldest, lastEventSeq: 0 });
      await site.played(again, []);
      assert.notEqual(tokenOf(again), oldest);
    },
  },
];
