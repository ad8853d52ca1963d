import type { Attempt } from "../trespasser.ts";
import { type Escape, under } from "./escape.ts";

const DENIED = "PERMISSION_DENIED";
const fetched = (url: string): Attempt => ({ op: "fetch", url });
const may = (target: string): Attempt => ({ op: "authorize", capability: "net.fetch", target });

/** `$O` is the origin of a site that may be reached below `/open/`, `$E` that of another. */
const LEASE = {
  "net.fetch": ["https://*.acme.test/v2/**", "http://[::1]:8080/open/*", "$O/open/**"],
};
const ALLOWED = [
  may("https://eu.acme.test/v2"),
  may("https://EU.api.Acme.Test.:443/a/../v2/%69tems?id=../../x#/y"),
  may("http://[0:0::1]:8080/open/a"),
  fetched("$O/open/a?b=../../c#d"),
];
const EVERYWHERE = { "net.fetch": ["https://**", "http://*:*/**", "$O/open/**"] };

/** Where the site's redirects lead. */
export const redirects: Readonly<Record<string, string>> = {
  "/open/to-near": "near",
  "/open/to-closed": "/closed",
  "/open/to-dots": "%2e%2e/closed",
  "/open/to-slash": "/open/..%2fclosed",
  "/open/to-elsewhere": "$E/open/a",
  "/open/to-elsewhere-later": "/open/to-elsewhere",
  "/open/to-name": "//localhost/open/a",
  "/open/to-user": "http://user@evil.test/open/a",
  "/open/to-file": "file:///etc/passwd",
  "/open/to-data": "data:text/plain,x",
  "/open/to-metadata": "http://169.254.169.254/latest/meta-data",
  "/open/to-no-tls": "http://eu.acme.test/v2",
};

export const urls: readonly Escape[] = [
  ...under(
    LEASE,
    ALLOWED,
    DENIED,
    (
      [
        ["the host as a user", "https://eu.acme.test@evil.test/v2"],
        ["the host as user and password", "https://eu.acme.test:443@evil.test/v2"],
        ["a user", "https://user@eu.acme.test/v2"],
        ["an empty user with a password", "https://:x@eu.acme.test/v2"],
        ["an encoded @", "https://eu.acme.test%40evil.test/v2"],
        ["a host suffix", "https://eu.acme.test.evil.test/v2"],
        ["a host prefix", "https://evilacme.test/v2"],
        ["the host without what the wildcard stands for", "https://acme.test/v2"],
        ["the host in a query", "https://evil.test?.acme.test/v2"],
        ["the host in a fragment", "https://evil.test#.acme.test/v2"],
        ["the host behind a backslash", "https://evil.test\\.acme.test/v2"],
        ["the host behind a slash", "https://evil.test/.acme.test/v2"],
        ["the host behind a port", "https://evil.test:443/.acme.test/v2"],
        ["the host behind a semicolon", "https://evil.test;.acme.test.evil/v2"],
        ["a full-width slash in the host", "https://evil.test\uff0f.acme.test/v2"],
        ["a full-width question mark in the host", "https://evil.test\uff1f.acme.test/v2"],
        ["an ideographic full stop", "https://eu\u3002acme\u3002test\u3002evil/v2"],
        ["a homograph", "https://eu.\u0430cme.test/v2"],
        ["a homograph, as it is sent", "https://eu.xn--cme-7cd.test/v2"],
        ["a tab in the host of another", "https://evil\t.test/v2"],
        ["a line break before the host", "https://evil.test/\n.acme.test/v2"],
        ["two trailing dots", "https://eu.acme.test../v2"],
        ["a host that is empty", "https:///v2"],
        ["a path that goes on and on", `https://eu.acme.test/v2/${"a/".repeat(4097)}`],
        ["a query that goes on and on", `https://eu.acme.test/v2?${"a".repeat(65_536)}`],
        ["another case in the path", "https://eu.acme.test/V2/items"],
        ["the path as a prefix", "https://eu.acme.test/v2x"],
        [".. out of the path", "https://eu.acme.test/v2/../admin"],
        ["encoded dots", "https://eu.acme.test/v2/%2e%2e/admin"],
        ["one encoded dot of two", "https://eu.acme.test/v2/.%2E/admin"],
        ["an encoded slash", "https://eu.acme.test/v2/..%2fadmin"],
        ["an encoded backslash", "https://eu.acme.test/v2/..%5Cadmin"],
        ["a backslash", "https://eu.acme.test/v2/..\\admin"],
        ["an encoded NUL", "https://eu.acme.test/v2/%00"],
        ["an encoded letter of another path", "https://eu.acme.test/%76%33/x"],
        ["another port", "https://eu.acme.test:8443/v2"],
        ["the port of another scheme", "https://eu.acme.test:80/v2"],
        ["no TLS", "http://eu.acme.test/v2"],
        ["no TLS, on the port of TLS", "http://eu.acme.test:443/v2"],
        ["ftp", "ftp://eu.acme.test/v2"],
        ["a file", "file:///etc/passwd"],
        ["a file at the host", "file://eu.acme.test/v2"],
        ["data", "data:text/plain,v2"],
        ["a script", "javascript://eu.acme.test/v2%0aalert(1)"],
        ["a WebSocket", "wss://eu.acme.test/v2"],
        ["a blob", "blob:https://eu.acme.test/v2"],
        ["no scheme", "//eu.acme.test/v2"],
        ["no host", "/v2"],
        ["nothing", ""],
        ["IPv6 without its port", "http://[::1]/open/a"],
        ["IPv6 of another", "http://[::2]:8080/open/a"],
        ["IPv4 in IPv6", "http://[::ffff:127.0.0.1]:8080/open/a"],
        ["IPv4 instead of IPv6", "http://127.0.0.1:8080/open/a"],
        ["IPv4 in hexadecimal", "http://0x7f000001:8080/open/a"],
        ["IPv4 in octal", "http://0177.0.0.1:8080/open/a"],
        ["IPv4 in one number", "http://2130706433:8080/open/a"],
        ["IPv4 in short", "http://127.1:8080/open/a"],
        ["metadata of a cloud", "http://169.254.169.254/latest/meta-data"],
        ["localhost by name", "http://localhost:8080/open/a"],
        ["a zone of IPv6", "http://[::1%25lo]:8080/open/a"],
      ] as const
    ).map(([what, url]) => [what, fetched(url)]),
  ),
  ...under(LEASE, ALLOWED, DENIED, [
    ["another host, by the word of the agent", may("https://evil.test/v2")],
    ["a user, by the word of the agent", may("https://eu.acme.test@evil.test/v2")],
    ["encoded dots, by the word of the agent", may("https://eu.acme.test/v2/%2e%2e/admin")],
    ["another path of the site", fetched("$O/closed")],
    ["another path by ..", fetched("$O/open/../closed")],
    ["another site", fetched("$E/open/a")],
    ["the site by its name", fetched("http://localhost:$P/open/a")],
    ["the site with a user", fetched("http://user@127.0.0.1:$P/open/a")],
    ["the site in TLS", fetched("https://127.0.0.1:$P/open/a")],
  ]),
  ...under(
    LEASE,
    [fetched("$O/open/to-near")],
    DENIED,
    Object.keys(redirects)
      .filter((path) => path !== "/open/to-near")
      .map((path) => [`a redirect ${path.slice("/open/".length)}`, fetched(`$O${path}`)]),
  ),
  // A wildcard does not mean what is inside.
  ...under(
    EVERYWHERE,
    [fetched("$O/open/a"), may("https://acme.test/")],
    DENIED,
    (
      [
        ["the loopback", "$E/open/a"],
        ["the loopback in one number", "http://2130706433/open/a"],
        ["the loopback in hexadecimal", "https://0x7f.1/"],
        ["the loopback in octal", "https://0177.0.0.01/"],
        ["the loopback in IPv6", "https://[::1]/"],
        ["the loopback in IPv4 in IPv6", "https://[::ffff:127.0.0.1]/"],
        ["the loopback by its name", "https://localhost/"],
        ["the loopback by a name with a dot", "https://localhost./"],
        ["no address", "https://0.0.0.0/"],
        ["no IPv6 address", "https://[::]/"],
        ["a private address", "https://10.0.0.1/"],
        ["another private address", "https://192.168.1.1/"],
        ["a third private address", "https://172.16.0.1/"],
        ["a private IPv6 address", "https://[fd00::1]/"],
        ["a link-local address", "https://169.254.1.1/"],
        ["a link-local IPv6 address", "https://[fe80::1]/"],
        ["an address of a carrier", "https://100.64.0.1/"],
        ["metadata", "http://169.254.169.254/latest/meta-data"],
        ["metadata in IPv6", "http://[fd00:ec2::254]/latest/meta-data"],
        ["metadata in IPv4 in IPv6", "http://[::ffff:a9fe:a9fe]/latest"],
        ["metadata in one number", "http://2852039166/latest/meta-data"],
        ["metadata translated to IPv6", "http://[64:ff9b::a9fe:a9fe]/latest"],
        ["a group of machines", "https://224.0.0.1/"],
        ["every machine", "https://255.255.255.255/"],
      ] as const
    ).map(([what, url]) => [what, fetched(url)]),
  ),
];
