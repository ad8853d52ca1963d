import { type ExactNumber, exactNumber } from "../exact-number.ts";

/** Rewrites the text of a record, which is an envelope without its opening brace. */
export type Rewrite = (text: string) => string;

/** Rewrites by record kind; kinds that are not listed are sent as logged. */
export type Rewrites = Readonly<Record<string, Rewrite | undefined>>;

/** The largest text that may be sent, in bytes (R-4.1-7), with room for its prefix. */
const MAX_TEXT = 1024 * 1024 - 512;

type Fields = Record<string, unknown>;

interface RecordEnvelope {
  readonly payload: Fields & { readonly body?: Fields };
}

/** Go reads an inline result from `output`. If both do not fit into a message, only `output` is sent. */
export const withOutput: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    if (!("result" in payload)) return undefined;
    const { result, ...rest } = payload;
    return [
      { ...payload, output: result },
      { ...rest, output: result },
    ];
  });

/** The TypeScript SDK reads the `dimensions` of a metric from `dims`. */
export const withDims: Rewrite = (text) => {
  // Most events are not metrics, and most metrics have no dimensions.
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

/** The value of a metric in its original digits, because an exact amount may not be a double (R-5.2-5). */
function valueIn(text: string): { readonly value?: ExactNumber } {
  // The pattern cannot match inside a string, where quotes are escaped; and dimensions are strings.
  const [, digits] = /"value":(-?\d[^,}]*)/.exec(text) ?? [];
  return digits === undefined ? {} : { value: exactNumber(digits) };
}

/** Java, Go and C# read whole numbers only. Rounding down keeps `current` at most `total`. */
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

/** Go and Java read a rotated credential from `details`. */
export const withDetails: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    const { id, value } = payload.body ?? {};
    return [{ ...payload, body: { ...payload.body, details: { id, value } } }];
  });

/** C# names these two fields differently. */
export const withCredentialNames: Rewrite = (text) =>
  rewritten(text, ({ payload }) => {
    const { id, value } = payload.body ?? {};
    const names = { credential_id: id, credential_value: value };
    return [{ ...payload, body: { ...payload.body, ...names } }];
  });

/** @param payloads the alternatives to send, the first that fits; undefined if the record stays unchanged */
function rewritten(
  text: string,
  payloads: (envelope: RecordEnvelope) => readonly object[] | undefined,
): string {
  const envelope = JSON.parse(`{${text}`) as RecordEnvelope;
  const texts = payloads(envelope)?.map((payload) => JSON.stringify({ ...envelope, payload }));
  const fitting = texts?.find((one) => Buffer.byteLength(one) <= MAX_TEXT) ?? texts?.at(-1);
  return fitting === undefined ? text : fitting.slice(1);
}
