import { type ExactNumber, exactNumber } from "../exact-number.ts";

/** Rewrites the text of a record, which is an envelope without its opening brace. */
export type Rewrite = (text: string) => string;

/** What is rewritten, by the kind of the record; what is not named is sent as it is in the log. */
export type Rewrites = Readonly<Record<string, Rewrite | undefined>>;

/** The largest text that may be sent, in bytes (R-4.1-7), with room for what is put in front of it. */
const MAX_TEXT = 1024 * 1024 - 512;

type Fields = Record<string, unknown>;

interface RecordEnvelope {
  readonly payload: Fields & { readonly body?: Fields };
}

/** Go knows an inline result as `output`. Where both do not fit into a message, that alone is sent. */
export const withOutput: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    if (!("result" in payload)) return undefined;
    const { result, ...rest } = payload;
    return [
      { ...payload, output: result },
      { ...rest, output: result },
    ];
  });

/** The TypeScript SDK knows the `dimensions` of a metric as `dims`. */
export const withDims: Rewrite = (text) => {
  // Most events are no metrics, and most metrics have none.
  if (!text.includes("dimensions")) return text;
  return rewritten(text, ({ payload }) => {
    const { kind, body } = payload;
    if (kind !== "metric" || body?.["dimensions"] === undefined) return undefined;
    const exact: Fields = { ...body, ...valueIn(text) };
    const { dimensions, ...rest } = exact;
    return [
      { ...payload, body: { ...exact, dims: dimensions } },
      { ...payload, body: { ...rest, dims: dimensions } },
    ];
  });
};

/** The value of a metric as it stands there: an exact amount may be no double (R-5.2-5). */
function valueIn(text: string): { readonly value?: ExactNumber } {
  // Within a string the quotes are escaped, and dimensions are strings.
  const [, digits] = /"value":(-?\d[^,}]*)/.exec(text) ?? [];
  return digits === undefined ? {} : { value: exactNumber(digits) };
}

/** Java, Go and C# read whole numbers alone. What does not exceed the total does not exceed it when rounded down either. */
export const inWholeNumbers: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    const body = { ...payload.body };
    let whole = true;
    for (const name of ["current", "total"]) {
      const value = body[name];
      if (typeof value !== "number" || Number.isSafeInteger(value)) continue;
      body[name] = Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
      whole = false;
    }
    return whole ? undefined : [{ ...payload, body }];
  });

/** Go and Java look for a rotated credential in `details`. */
export const withDetails: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    const { id, value } = payload.body ?? {};
    return [{ ...payload, body: { ...payload.body, details: { id, value } } }];
  });

/** C# has names of its own for the two. */
export const withCredentialNames: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    const { id, value } = payload.body ?? {};
    const names = { credential_id: id, credential_value: value };
    return [{ ...payload, body: { ...payload.body, ...names } }];
  });

/** @param payloads what may be sent instead, the first that fits; undefined when the record stays as it is */
function rewritten(
  text: string,
  payloads: (envelope: RecordEnvelope) => readonly object[] | undefined,
): string {
  const envelope = JSON.parse(`{${text}`) as RecordEnvelope;
  const texts = payloads(envelope)?.map((payload) => JSON.stringify({ ...envelope, payload }));
  const fitting = texts?.find((one) => Buffer.byteLength(one) <= MAX_TEXT) ?? texts?.at(-1);
  return fitting === undefined ? text : fitting.slice(1);
}
