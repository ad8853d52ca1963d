import assert from "node:assert/strict";
import { checkPatterns } from "../lease-trial.ts";
import { refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";

export const path: readonly Scenario[] = [
  {
    name: "paths match patterns as the tables say",
    verifies: ["R-9.2-2"],
    play: (site) =>
      checkPatterns(site, "R-9.2-2", "fs.read", [
        ["/srv/docs/*", ["/srv/docs/a.txt"], ["/srv/docs", "/srv/docs/x/a.txt", "/srv/docs2"]],
        ["/srv/**/raw/*.csv", ["/srv/raw/a.csv", "/srv/x/y/raw/a.csv"], ["/srv/raw/q/a.csv"]],
        ["/a", ["/a"], ["/a/b", "/x/a", "/A"]],
        ["/a/**", ["/a", "/a/b/c"], ["/ab"]],
        ["/", ["/"], ["/a"]],
      ]),
  },
  {
    name: "a path is made canonical before it is compared",
    verifies: ["R-9.2-5"],
    play: (site) =>
      checkPatterns(site, "R-9.2-5", "fs.write", [
        [
          "/srv/docs/**",
          [
            "/srv/docs/a",
            "//srv//docs//a/",
            "/srv/docs/",
            "/srv/./docs/./a/.",
            "/srv/x/../docs/a",
            "/srv/docs/..a",
            "/srv/docs/%2e%2e/a",
          ],
          [
            "/srv/docs/../etc",
            "/srv/docs/a/../../../etc/passwd",
            "/srv/docs/../docs2/a",
            "/srv/docs/a\0",
            "/../srv/docs/a",
            "/srv/docs/../../../srv/docs/a",
            "srv/docs/a",
            "./srv/docs/a",
            " /srv/docs/a",
            "file:///srv/docs/a",
            "",
          ],
        ],
      ]),
  },
  {
    name: "a path pattern is made canonical too, and ** alone means every path",
    verifies: ["R-9.2-6"],
    play: (site) =>
      checkPatterns(site, "R-9.2-6", "fs.read", [
        ["/srv//docs/*", ["/srv/docs/a"], ["/srv/docs"]],
        ["/srv/docs/", ["/srv/docs", "/srv/docs/"], ["/srv/docs/a"]],
        ["**", ["/", "/a", "/a/b/c"], ["a"]],
      ]),
  },
  {
    name: "a relative pattern, or one with a segment . or .., is refused",
    verifies: ["R-9.2-6"],
    async play(site) {
      const wire = await site.greeted();
      const wrong = ["src/**", "**/a", "*", "a", "./a", "/a/../b", "/a/./b", "/..", "/a/.", "/a\0"];
      for (const namespace of ["fs.read", "fs.write"]) {
        for (const each of wrong) {
          const payload = { agent: "conformance.script", lease_request: { [namespace]: [each] } };
          assert.equal((await refusedSubmit(wire, payload, each)).code, "INVALID_REQUEST", each);
        }
      }
    },
  },
];
