const loopback =
  /^(localhost|::1|(::ffff:)?127(\.\d{1,3}){3}|::ffff:7f[\da-f]{2}:[\da-f]{1,4})\.?$/;

/** Whether a host name or IP address (IPv6 with or without brackets) is a loopback one. Does not resolve names. */
export function isLoopback(host: string): boolean {
  return loopback.test(host.toLowerCase().replace(/^\[(.*)\]$/, "$1"));
}
