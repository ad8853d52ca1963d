import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalUrl, compileUrlGlob } from "./url.ts";

function matches(pattern: string, url: string): boolean {
  const compiled = compileUrlGlob(pattern);
  if (!compiled.ok) throw new Error(`${pattern} ${compiled.problem}`);
  const canonical = canonicalUrl(url);
  return canonical.ok && compiled.glob.matches(canonical.parts);
}

describe("R-9.2-8: one canonical form", () => {
  test.each([
    ["HTTPS://API.acme.test:443/a/./b", "https://api.acme.test/a/b"],
    ["https://api.acme.test./a/x/../b", "https://api.acme.test/a/b"],
    ["https://api.acme.test/%61/%62#top", "https://api.acme.test/a/b"],
    ["https://api.acme.test/%7euser/%c3%a9", "https://api.acme.test/~user/%C3%A9"],
    ["https://api.acme.test/é", "https://api.acme.test/%C3%A9"],
    ["https:\\\\api.acme.test\\a", "https://api.acme.test/a"],
    ["https://api.acme.test", "https://api.acme.test/"],
    ["https://bücher.test/", "https://xn--bcher-kva.test/"],
    ["https://api.acme.test/%2e%2e/a", "https://api.acme.test/a"],
    ["http://0x7f.1/", "http://127.0.0.1/"],
    ["https://[0:0:0:0:0:0:0:1]:8443/", "https://[::1]:8443/"],
    ["https://api.acme.test/a?q=%2F#f", "https://api.acme.test/a?q=%2F"],
    ["https://api.acme.test/%25/%2541", "https://api.acme.test/%25/%2541"],
  ])("%s is %s", (text, href) => {
    expect(canonicalUrl(text)).toMatchObject({ ok: true, href });
    expect(canonicalUrl(href)).toMatchObject({ ok: true, href });
  });
});

describe("R-9.2-8: decoding creates no new escape", () => {
  test.each([
    "https://acme.test/public/%%32e%%32e/admin",
    "https://acme.test/public/..%%32fadmin",
    "https://acme.test/public/..%%35cadmin",
    "https://acme.test/public/%2%65%2%65/admin",
    "https://acme.test/public/%25%32e",
    "https://acme.test/%",
    "https://acme.test/%%%41",
  ])("%s", (text) => {
    const canonical = canonicalUrl(text);
    if (!canonical.ok) throw new Error(canonical.problem);
    expect(canonicalUrl(canonical.href)).toEqual(canonical);
    expect(new URL(canonical.href).pathname).toBe(canonical.parts.path);
  });

  test("a canonical form is its own canonical form, and a fetch parses the same path", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "%",
        "2",
        "e",
        "f",
        "5c",
        "/",
        "..",
        ".",
        "%2e",
        "%25",
        "%32",
        "\\",
        "?",
        "#",
        "{",
        "^",
        "é",
      ),
      fc.string({ maxLength: 2 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const canonical = canonicalUrl(`https://acme.test/${pieces.join("")}`);
        if (!canonical.ok) return;
        expect(canonicalUrl(canonical.href)).toEqual(canonical);
        expect(new URL(canonical.href).pathname).toBe(canonical.parts.path);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("R-9.2-9: what is denied whatever the lease", () => {
  test.each([
    "https://a@b/",
    "https://a:b@c/",
    "https://acme.test%40evil.test@evil.test/",
    "file:///etc/passwd",
    "ftp://acme.test/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//acme.test/",
    "/relative",
    "acme.test",
    "",
    "https://",
    "https://acme.test/public/..%2fadmin",
    "https://acme.test/public/..%5Cadmin",
    "https://acme.test/a%00b",
    "https://./",
    "https://acme.test../",
  ])("%s", (text) => {
    expect(canonicalUrl(text).ok).toBe(false);
    for (const pattern of ["**", "https://**"]) expect(matches(pattern, text)).toBe(false);
  });
});

describe("R-9.2-10: patterns", () => {
  test.each([
    ["https://*.acme.test/v2/**", "https://eu.api.acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://eu.api.acme.test/v2/items?id=1"],
    ["https://**", "https://anything.test:9999/a/b?c"],
    ["**", "http://anything.test/"],
    ["HTTPS://ACME.test/A", "https://acme.test/A"],
    ["https://acme.test", "https://acme.test/"],
    ["https://acme.test/é/*", "https://acme.test/%C3%A9/x"],
    ["https://acme.test/%61", "https://acme.test/a"],
    ["https://acme.test:8443/**", "https://acme.test:8443/x"],
    ["https://acme.test:*/**", "https://acme.test:1/"],
    ["http://[::1]:8080/*", "http://[0:0::1]:8080/x"],
    ["https://bücher.test/**", "https://xn--bcher-kva.test/a"],
    ["https://acme.test/a/*", "https://acme.test/a/b?c=/d/e"],
    ["https://acme.test/a{b}\"<>`^|'()!$&+,;=:[]", "https://acme.test/a{b}\"<>`^|'()!$&+,;=:[]"],
  ])("%s matches %s", (pattern, url) => {
    expect(matches(pattern, url)).toBe(true);
  });

  test.each([
    ["https://*.acme.test/v2/**", "https://acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://evil.test?.acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://evil.test#.acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://evil.test\\.acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://evil.test/.acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://eu.acme.test:8443/v2"],
    ["https://*.acme.test/v2/**", "http://eu.acme.test/v2"],
    ["https://*.acme.test/v2/**", "https://eu.acme.test/v2x"],
    ["https://acme.test/**", "https://acme.test.evil.test/"],
    ["https://acme.test/**", "https://evilacme.test/"],
    ["https://acme.test/a/**", "https://acme.test/a/../b"],
    ["https://acme.test/a/**", "https://acme.test/a/%2e%2e/b"],
    ["https://acme.test/a/*", "https://acme.test/a/b/c"],
    ["https://acme.test", "https://acme.test/a"],
    ["https://**", "http://acme.test/"],
    ["https://acme*/**", "https://acme.test/evil"].reverse() as [string, string],
  ])("%s does not match %s", (pattern, url) => {
    expect(compileUrlGlob(pattern).ok && matches(pattern, url)).toBe(false);
  });

  test.each([
    "https://a.test/?x",
    "https://a.test/#x",
    "https://user@a.test/",
    "a.test/**",
    "ftp://a.test/**",
    "https://**.test/",
    "https://**/",
    "https://a.test../",
    "https://*.test../",
    "https://a.test%2e./",
    "https://a.test.%2e/",
    "https://a.test/\u0001",
    "https://a.test/*\u0001*",
    "https://a.test/a\u007f",
    "https://a.test:99999/",
    "https://a.test:x/",
    "https:///a",
    "https://a.test/../b",
    "https://a.test/a%2fb",
    "https://a.test/**b",
    "https://a .test/",
    "https://a.test\\b/",
    "https://[::1/",
    "https://*.bücher.test/",
    "https://%2a/",
    "https://%2a%2a/",
    "https://\uff0a.acme.test/",
  ])("%s is not a pattern", (pattern) => {
    const outcome = compileUrlGlob(pattern);
    expect(outcome.ok).toBe(false);
    if (!outcome.ok) expect(outcome.problem.length).toBeGreaterThan(5);
  });

  test("R-9.2-3: a pattern's length is measured as written, not as escaped", () => {
    const longest = (character: string, most: number) =>
      `https://a.test/${character.repeat(most - "https://a.test/".length)}`;
    const title = longest("文", 800);
    expect(matches(title, title)).toBe(true);
    expect(matches(`${title.slice(0, -1)}*`, title)).toBe(true);
    expect(compileUrlGlob(longest("é", 1024)).ok).toBe(true);
    expect(compileUrlGlob(longest("é", 1025))).toMatchObject({
      problem: "is longer than 1024 characters",
    });
    // No URL of that length is ever compared.
    expect(compileUrlGlob(longest("文", 1024))).toMatchObject({
      problem: "is longer than 8192 characters",
    });
  });

  test("a pattern without wildcards matches its own URL and no other host", () => {
    const label = fc.stringMatching(/^[a-z]{1,4}$/);
    const host = fc.tuple(label, label).map((labels) => labels.join("."));
    const path = fc.array(fc.stringMatching(/^[a-z~]{1,3}$/), { maxLength: 3 });
    fc.assert(
      fc.property(host, host, path, (mine, other, segments) => {
        const url = `https://${mine}/${segments.join("/")}`;
        expect(matches(url, url)).toBe(true);
        if (other !== mine) expect(matches(url, url.replace(mine, other))).toBe(false);
      }),
    );
  });
});

test("R-9.2-8: a canonical URL parses to the same text again", () => {
  const pieces = [
    "/",
    "..",
    ".",
    "%",
    "2e",
    "%2E",
    "%41",
    "a",
    "é",
    "?",
    "#",
    "|",
    "^",
    "'",
    " ",
    ";",
    "%7e",
  ];
  const urls = fc
    .array(fc.constantFrom(...pieces))
    .map((some) => `http://Host.test.:080/${some.join("")}`);
  fc.assert(
    fc.property(urls, (text) => {
      const once = canonicalUrl(text);
      if (!once.ok) return;
      expect(new URL(once.href).href).toBe(once.href);
      expect(canonicalUrl(once.href)).toEqual(once);
      expect(once.href.startsWith(`${once.origin}/`)).toBe(true);
    }),
  );
});

test.each([
  ["http://a.test/**", true],
  ["https://127.0.0.1:*/**", true],
  ["http://[::1]/", true],
  ["http://*/**", false],
  ["http://10.0.0.*/**", false],
  ["http://*localhost/", false],
  ["http://**", false],
  ["**", false],
])("R-9.2-7: %s names a host: %s", (pattern, names) => {
  const compiled = compileUrlGlob(pattern);
  expect(compiled.ok && compiled.glob.namesHost).toBe(names);
});
