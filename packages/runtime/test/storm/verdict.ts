import type { JobRow } from "../../src/store/index.ts";
import type { Frame } from "../viewer.ts";
import { amountIn, grantOf, type Piece, type World } from "./world.ts";

export interface Told {
  /** Everything that a client was sent. */
  readonly frames: readonly Frame[];
  /** The ids of its submits. */
  readonly submits: readonly string[];
}

/** How exactly the money must be right. */
export type Books =
  /** Exactly as the reported remaining budget. */
  | "exact"
  /** A crash lost costs of which only the remaining budget was durable. */
  | "careful"
  /** The store failed, and nobody knows what it has. */
  | "unknown";

/** What must hold of all jobs once they have ended and everything was sent. */
export function judge(world: World, { frames, submits }: Told, books: Books): void {
  const stream = frames.filter(({ event_seq }) => event_seq !== undefined);
  insistDense(
    world,
    stream.map(({ event_seq }) => event_seq),
    "the session",
  );
  for (const row of world.rows.values()) {
    if (books !== "unknown" && !world.isTold(row)) {
      world.breach("R-10-2", `${row.id} is there, and nothing tells of it`);
    }
    if (judgeEnd(world, row)) {
      judgeStream(world, row, stream);
      if (books !== "unknown") judgeMoney(world, row, books);
      judgeResult(world, row);
    }
  }
  for (const id of submits) {
    const answers = frames.filter(
      ({ type, payload }) => payload.request_id === id && type !== "session.welcome",
    );
    const said = new Set(answers.map(({ job_id, payload }) => job_id ?? payload.code));
    if (said.size !== 1) world.breach("R-5.4-8", `${id} was answered by ${[...said].join(", ")}`);
  }
}

/** @returns whether it has one */
function judgeEnd(world: World, { id, status, cancel }: JobRow): boolean {
  const log = world.logs.get(id) ?? [];
  insistDense(
    world,
    log.map(({ text }) => numberIn(text)),
    id,
  );
  if (log.filter(({ kind }) => kind === "terminal").length !== 1 || !world.hasEnded(id)) {
    world.breach("J3", `${id} (${status}) has not one end`);
    return false;
  }
  const { final_status, code = "", message } = endOf(world, id);
  world.count(`ended ${final_status} ${code}`);
  if (final_status !== status) world.breach("J3", `${id} is ${status} and ended ${final_status}`);
  if (cancel !== undefined && final_status !== "cancelled") {
    world.breach("R-7.4-2", `${id} was cancelled and ended ${final_status}`);
  }
  if (/well-formed|surrogate/.test(message ?? "")) world.breach("R-8.4-2", `${id}: ${message}`);
  return true;
}

function judgeStream(world: World, row: JobRow, stream: readonly Frame[]): void {
  if (!world.isTold(row)) return;
  const last = world.logs.get(row.id)?.length;
  const own = stream.filter(({ job_id }) => job_id === row.id).map(({ job_seq }) => job_seq);
  // A repeated submit sends the end again (R-7.2-9).
  const end = own.indexOf(last);
  const told = own.filter((seq, i) => seq !== last || i === end);
  insistDense(world, told, `what was told of ${row.id}`);
  if (told.length !== last) world.breach("told", `${row.id}: ${told.length} of ${last} records`);
}

function judgeMoney(world: World, { id, lease, remaining }: JobRow, books: Books): void {
  const log = world.logs.get(id) ?? [];
  // What a delegated job spends after its end is charged to its ancestors, and reported only as what remains of theirs (R-9.6-8).
  const delegates = [...world.rows.values()].some(({ parent }) => parent === id);
  const isExact = books === "exact" && !delegates;
  for (const entry of lease["cost.budget"] ?? []) {
    const unit = entry.split(":")[0] ?? "";
    const left = grantOf(lease, unit).minus(world.spent(id, unit));
    const isRest = (text: string) => text.includes('"cost.budget.remaining"');
    const rest = log.findLast(({ text }) => isRest(text) && text.includes(`"unit":"${unit}"`));
    const granted = grantOf(lease, unit).toFixed();
    const said = { index: remaining?.[unit] ?? granted, stream: rest && amountIn(rest.text) };
    for (const [where, amount] of Object.entries(said)) {
      if (amount === undefined && (books === "careful" || left.eq(granted))) continue;
      const isRight = amount !== undefined && (isExact ? left.eq(amount) : left.gte(amount));
      if (!isRight) world.breach("R-9.6-11", `${id}: ${left} ${unit} remain, ${where}: ${amount}`);
      const known = world.ledger.left(id, unit);
      if (known !== undefined && amount !== undefined && !known.eq(amount)) {
        world.breach("R-9.6-8", `${id}: ${known} ${unit} have to remain, ${where}: ${amount}`);
      }
    }
  }
}

function judgeResult(world: World, { id }: JobRow): void {
  const { final_status, result_id, result, result_size } = endOf(world, id);
  if (final_status !== "success") return;
  const heard = world.heard.filter(({ child }) => child === id).map(({ value }) => value);
  if (result_id === undefined) {
    const told = JSON.stringify(result);
    if (world.returned.get(id) !== told) world.breach("result", `${id} ended with ${told}`);
    for (const value of heard) {
      if (JSON.stringify(value) !== told) world.breach("R-10-7", `${id}: its parent got ${value}`);
    }
    return;
  }
  const { chunks, bytes } = streamedBy(world, id);
  world.count("streamed", bytes.length);
  insistDense(
    world,
    chunks.map(({ chunk_seq }) => chunk_seq + 1),
    `the chunks of ${id}`,
  );
  if (chunks.findIndex(({ more }) => !more) !== chunks.length - 1 || bytes.length !== result_size) {
    world.breach("R-8.4-1", `${id}: ${bytes.length} bytes of ${result_size}`);
  }
  const written = joined(world.pieces.get(id) ?? []);
  if (cleaned(world, written) !== bytes.toString("latin1")) {
    world.breach("result", `${id}: ${written.length} bytes were written, ${bytes.length} came`);
  }
  for (const value of heard) {
    const isSame = bytes.equals(joined([value as Piece]));
    if (!isSame) world.breach("R-10-7", `${id}: its parent got other bytes`);
  }
}

interface Chunk {
  readonly data: string;
  readonly encoding: BufferEncoding;
  readonly chunk_seq: number;
  readonly more: boolean;
}

function streamedBy(world: World, job: string): { chunks: readonly Chunk[]; bytes: Buffer } {
  const records = (world.logs.get(job) ?? []).filter(({ kind }) => kind === "result_chunk");
  const chunks = records.map(({ text }) => JSON.parse(`{${text}`).payload.body as Chunk);
  const bytes = Buffer.concat(chunks.map(({ data, encoding }) => Buffer.from(data, encoding)));
  return { chunks, bytes };
}

/** A surrogate pair may be split over two pieces. */
function joined(pieces: readonly Piece[]): Buffer {
  const texts = pieces.filter((piece) => typeof piece === "string");
  if (texts.length === pieces.length) return Buffer.from(texts.join(""));
  return Buffer.concat(pieces.filter((piece) => typeof piece !== "string"));
}

/** One character per byte, without secrets. */
function cleaned({ secrets }: World, bytes: Buffer): string {
  let text = bytes.toString("latin1");
  for (const secret of secrets) text = text.replaceAll(secret, "[redacted]");
  return text;
}

function endOf(world: World, job: string): Frame["payload"] {
  return JSON.parse(`{${world.logs.get(job)?.at(-1)?.text}`).payload;
}

function numberIn(text: string): number {
  return JSON.parse(`{${text}`).job_seq;
}

function insistDense(world: World, numbers: readonly unknown[], what: string): void {
  const gap = numbers.findIndex((number, i) => number !== i + 1);
  if (gap !== -1) world.breach("J1", `${what}: ${numbers[gap]} stands at ${gap + 1}`);
}
