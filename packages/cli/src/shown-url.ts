/** Parameters of a query whose names say that they hold a secret. */
const SECRET = /([?&][^=&#]*(?:token|key|secret|pass|auth|sig)[^=&#]*=)[^&#]*/gi;

/** An address without the password that it may have, as some proxies want one, and without the secrets of its query. */
export function shownUrl(url: string): string {
  const isUrl = /^\w+:\/\//.test(url) && URL.canParse(url);
  // In what is no address a password may stand anywhere before the last @.
  const userinfo = isUrl ? /(\/\/)[^/?#]*@/ : /^(\w+:\/+|).*@/s;
  return url.replace(userinfo, "$1***@").replace(SECRET, "$1***");
}

/** A text of somebody else, whose addresses are shown so. */
export function shownUrlsIn(text: string): string {
  return text.replace(/\bwss?:\/\/[^\s"]+/g, shownUrl);
}
