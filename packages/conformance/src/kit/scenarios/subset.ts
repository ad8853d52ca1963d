import { checkSubsets } from "../lease-trial.ts";
import type { Scenario } from "../scenario.ts";

export const subset: readonly Scenario[] = [
  {
    name: "a child gets the tools that its parent's patterns cover, and no others",
    verifies: ["R-9.4-1", "R-9.4-2"],
    play: (site) =>
      checkSubsets(site, "tool.call", [
        [
          ["ocr.*"],
          [["ocr.page"], ["ocr.*"], ["ocr.p*"], []],
          [["*"], ["ocr*"], ["OCR.page"], ["**"]],
        ],
        [["*"], [["*"], ["a*"], ["a"]], [["**"], ["a/b"], ["*/*"]]],
        [["a*"], [["a*"], ["a*b*"]], [["*"], ["*a"], ["b"]]],
        [["a*a"], [["a*a"], ["ab*ba"]], [["a"], ["a*"], ["*a"]]],
        [
          ["a", "b"],
          [["a"], ["b"], ["b", "a"]],
          [["c"], ["a", "c"], ["*"]],
        ],
      ]),
  },
  {
    name: "a child gets the files that its parent's patterns cover, and no others",
    verifies: ["R-9.4-1", "R-9.4-2"],
    play: (site) =>
      checkSubsets(site, "fs.read", [
        [
          ["/a/**"],
          [["/a/b/**"], ["/a/*"], ["/a"], ["/a/**"], ["/a/**/c"], ["/a/x*/y"]],
          [["/**"], ["/ab"], ["/b/**"], ["/a*/b"], ["**"]],
        ],
        [["/a/*"], [["/a/*"], ["/a/b*"], ["/a/b"]], [["/a/**"], ["/a/b/c"], ["/a"], ["/a/*/c"]]],
        [["/a/**/c"], [["/a/c"], ["/a/b/c"], ["/a/**/b/c"]], [["/a/**"], ["/a/**/*c"]]],
        [["**"], [["/**"], ["**"], ["/a"]], []],
      ]),
  },
  {
    name: "a child gets the URLs that its parent's patterns cover part by part, and no others",
    verifies: ["R-9.4-1", "R-9.4-2"],
    play: (site) =>
      checkSubsets(site, "net.fetch", [
        [
          ["https://*.acme.test/v2/**"],
          [
            ["https://eu.acme.test/v2/a"],
            ["https://*.eu.acme.test/v2/*"],
            ["https://eu.acme.test:443/v2"],
          ],
          [
            ["https://acme.test/v2"],
            ["https://*.acme.test/**"],
            ["http://eu.acme.test/v2"],
            ["https://eu.acme.test:8443/v2"],
            ["https://**"],
            ["**"],
          ],
        ],
        [["https://**"], [["https://a.test/**"], ["https://**"]], [["http://a.test/"], ["**"]]],
      ]),
  },
  {
    name: "a child gets the agents that its parent may delegate to, and no others",
    verifies: ["R-9.4-1", "R-9.4-2"],
    play: (site) =>
      checkSubsets(site, "agent.delegate", [
        [
          ["conformance.*"],
          [["conformance.script"], ["conformance.*@2.*"], ["conformance.*"]],
          [["*"], ["other"], ["other@1"]],
        ],
        [
          ["conformance.script", "pdf-*@2.*"],
          [["pdf-a@2.1"], ["pdf-*@2.*"]],
          [["pdf-*"], ["pdf-a"], ["pdf-a@3"]],
        ],
      ]),
  },
  {
    name: "a child gets no namespace that its parent does not have",
    verifies: ["R-9.4-1", "R-9.4-2"],
    play: (site) =>
      checkSubsets(site, "x-vendor.acme.thing", [
        [[], [[]], [["a"], ["**"]]],
        [["a/*"], [["a/b"], ["a/*"]], [["*"], ["A/b"]]],
      ]),
  },
];
