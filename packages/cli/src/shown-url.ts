/** Query parameters whose names indicate a secret. */
const SECRET = /([?&][^=&#]*(?:token|key|secret|pass|auth|sig)[^=&#]*=)[^&#]*/gi;

/** Removes secrets from an address: the password, which some proxies require, and those in its query. */
export function shownUrl(url: string): string {
  const isUrl = /^\w+:\/\//.test(url) && URL.canParse(url);
  // If the address is invalid, a password may stand anywhere before the last @.
  const userinfo = isUrl ? /(\/\/)[^/?#]*@/ : /^(\w+:\/+|).*@/s;
  return url.replace(userinfo, "$1***@").replace(SECRET, "$1***");
}

/** Removes secrets from the addresses in somebody else's text. */
export function shownUrlsIn(text: string): string {
  return text.replace(/\bwss?:\/\/[^\s"]+/g, shownUrl);
}
