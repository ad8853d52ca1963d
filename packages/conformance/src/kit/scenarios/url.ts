import assert from "node:assert/strict";
import { checkPatterns } from "../lease-trial.ts";
import { refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";

export const url: readonly Scenario[] = [
  {
    name: "a URL is made canonical before it is compared",
    verifies: ["R-9.2-8"],
    play: (site) =>
      checkPatterns(site, "R-9.2-8", "net.fetch", [
        [
          "https://api.acme.test/a/b",
          [
            "https://api.acme.test/a/b",
            "HTTPS://API.acme.test:443/a/./b",
            "https://api.acme.test./a/x/../b",
            "https://api.acme.test/%61/%62",
            "https://api.acme.test/a/b#top",
            "https://api.acme.test/a/b?q=1",
            "https://api.acme.test/x/%2e%2e/a/b",
            "https:\\\\api.acme.test\\a\\b",
          ],
          [
            "http://api.acme.test/a/b",
            "https://api.acme.test/a/b/",
            "https://api.acme.test/A/b",
            "https://api.acme.test/a/b/../c",
            "https://api.acme.test:8443/a/b",
            "https://api.acme.test.evil.test/a/b",
            "https://api.acme.test/a%252fb",
          ],
        ],
        ["https://xn--bcher-kva.test/**", ["https://bücher.test/", "https://BÜCHER.test/a"], []],
        ["http://127.0.0.1/**", ["http://0x7f.1/", "http://127.0.0.1:80/a"], ["http://0x7f.2/"]],
      ]),
  },
  {
    name: "a URL with a user, another scheme, or an escaped separator is denied whatever the lease says",
    verifies: ["R-9.2-9"],
    play: (site) =>
      checkPatterns(site, "R-9.2-9", "net.fetch", [
        [
          "**",
          ["https://acme.test/public/a"],
          [
            "https://a@acme.test/",
            "https://a:b@acme.test/",
            "https://acme.test%40evil.test@evil.test/",
            "file:///etc/passwd",
            "ftp://acme.test/",
            "javascript:alert(1)",
            "data:text/plain,x",
            "https://acme.test/public/..%2fadmin",
            "https://acme.test/public/..%2Fadmin",
            "https://acme.test/public/..%5cadmin",
            "https://acme.test/a%00b",
            "//acme.test/",
            "/relative",
            "acme.test",
            "",
          ],
        ],
      ]),
  },
  {
    name: "a URL pattern is compared part by part, and wildcards of the host stay within the host",
    verifies: ["R-9.2-2", "R-9.2-10"],
    play: (site) =>
      checkPatterns(site, "R-9.2-10", "net.fetch", [
        [
          "https://*.acme.test/v2/**",
          [
            "https://eu.api.acme.test/v2",
            "https://eu.api.acme.test/v2/items?id=1",
            "https://eu.acme.test:443/v2/a/b",
          ],
          [
            "https://acme.test/v2",
            "https://evil.test?.acme.test/v2",
            "https://evil.test/.acme.test/v2",
            "https://evil.test#.acme.test/v2",
            "https://eu.acme.test:8443/v2",
            "https://eu.acme.test/v1",
            "http://eu.acme.test/v2",
          ],
        ],
        [
          "https://acme.test",
          ["https://acme.test", "https://acme.test/?q"],
          ["https://acme.test/a"],
        ],
        ["https://acme.test:8443/*", ["https://acme.test:8443/a"], ["https://acme.test/a"]],
        ["HTTPS://ACME.test/A", ["https://acme.test/A"], ["https://acme.test/a"]],
        ["https://**", ["https://a.test/b/c", "https://a.test:8443/"], ["http://a.test/"]],
        ["**", ["http://a.test/", "https://a.test:1/b"], []],
      ]),
  },
  {
    name: "a URL pattern with a query, a fragment or a user, or without a scheme, is refused",
    verifies: ["R-9.2-10"],
    async play(site) {
      const wire = await site.greeted();
      for (const each of [
        "https://acme.test/a?b",
        "https://acme.test/a#b",
        "https://a@acme.test/",
        "acme.test/a",
        "ftp://acme.test/",
        "/a",
      ]) {
        const payload = { agent: "conformance.script", lease_request: { "net.fetch": [each] } };
        assert.equal((await refusedSubmit(wire, payload, each)).code, "INVALID_REQUEST", each);
      }
    },
  },
];
