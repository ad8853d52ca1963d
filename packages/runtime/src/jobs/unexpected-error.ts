import { ArcpError } from "@arcp/core";
import type { Secrets } from "../authority/secrets.ts";
import { nameOf } from "../authority/upstream.ts";

/** The most causes of an error that its details tell of. */
const MAX_CAUSES = 4;

/**
 * What clients are told of an unexpected exception: only that there was one, unless the operator shows error details (R-7.3-8).
 * @param thrown anything but an ArcpError
 */
export function unexpectedError(
  thrown: unknown,
  secrets: Secrets,
  showsDetails: boolean,
): ArcpError {
  // Cleaned before it is cut: a truncated secret would not be recognised.
  const text = showsDetails ? secrets.clean(messageOf(thrown)) : "";
  if (text === "") return ArcpError.from(thrown);
  return new ArcpError("INTERNAL_ERROR", text, { cause: thrown });
}

/** The messages of an error and its causes, without stacks. Empty if there is none; reading it may throw. */
function messageOf(thrown: unknown): string {
  try {
    const texts: string[] = [];
    let one = thrown;
    while (one instanceof Error && texts.length < MAX_CAUSES) {
      // An AggregateError of Node has only a code.
      texts.push(String(one.message) || nameOf(one));
      one = one.cause;
    }
    if (typeof one === "string") texts.push(one);
    return texts.join(": ");
  } catch {
    return "";
  }
}
