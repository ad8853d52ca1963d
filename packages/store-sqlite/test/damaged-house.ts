import { afterAll, afterEach, expect } from "vitest";
import { change, crashed as crashedIn, type Host, host as hostOn } from "./host.ts";
import { Scratch } from "./scratch.ts";
import { type Frame, Viewer } from "./viewer.ts";

/** Statements that delete something from the log of the job that is their parameter. */
export const WITHOUT = (seq: number) =>
  `DELETE FROM records WHERE place = ((SELECT key FROM logs WHERE job = ?) << 32) + ${seq}`;

const LAST_PLACE = "(SELECT (key << 32) + head FROM logs WHERE job = ?)";
/** Kinds of damage to the last record of a job. */
export const LAST_LOST = {
  "is missing": `DELETE FROM records WHERE place = ${LAST_PLACE}`,
  "is no text of ours": `UPDATE records SET text = 'nonsense' WHERE place = ${LAST_PLACE}`,
  "says no end": `UPDATE records SET text = '"id":"msg_1","payload":{"final_status":"sad"}}' WHERE place = ${LAST_PLACE}`,
  "is of no kind": `UPDATE records SET kind = 99 WHERE place = ${LAST_PLACE}`,
  "is of a kind that no number is": `UPDATE records SET kind = 1 << 60 WHERE place = ${LAST_PLACE}`,
  "is not where the log says": "UPDATE logs SET head = 1 WHERE job = ?",
} as const;

export const WITHOUT_LAST = LAST_LOST["is missing"];

/** What a fresh session of alice sees of a job. */
export async function history(viewer: Viewer, job_id: string): Promise<Frame> {
  return viewer.reply(viewer.send("job.subscribe", { job_id, history: true }));
}

export async function freshSession({ runtime }: Host, token?: string) {
  const viewer = new Viewer(runtime);
  expect((await viewer.hello(token)).type).toBe("session.welcome");
  return viewer;
}

/** Kinds of damage to the row of a job. */
export const UNREADABLE = {
  "the lease": "UPDATE jobs SET submitted = '{' WHERE id = ?",
  "what remains": "UPDATE jobs SET remaining = '{\"USD\"' WHERE id = ?",
  "the principal": "UPDATE jobs SET principal = 'alice' WHERE id = ?",
  "the input": "UPDATE jobs SET input = '{' WHERE id = ?",
  "the checkpoint": "UPDATE jobs SET checkpoint = '\"' WHERE id = ?",
  "what a checkpoint holds": `UPDATE jobs SET checkpoint = '"{"' WHERE id = ?`,
  "the shape of the lease": "UPDATE jobs SET submitted = '[]' WHERE id = ?",
  "the amount that remains": `UPDATE jobs SET remaining = '{"USD":"much"}' WHERE id = ?`,
  "the wish to cancel": "UPDATE jobs SET cancel = '7' WHERE id = ?",
  "the state": "UPDATE jobs SET status = 'sad' WHERE id = ?",
  "how often it was tried": "UPDATE jobs SET attempt = 1 << 60 WHERE id = ?",
  "when it was accepted": "UPDATE jobs SET accepted_at = 1e300 WHERE id = ?",
};

/** For the tests of one file: the processes that they start end with each test, and the files are deleted with the last one. */
export function damagedHouses() {
  const scratch = new Scratch();
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const runtime of open.splice(0)) await runtime[Symbol.asyncDispose]();
  });
  afterAll(() => scratch[Symbol.dispose]());

  /** A process on a store file, whose jobs the test controls. */
  function host(...place: Parameters<typeof hostOn>): Host {
    const hosted = hostOn(...place);
    open.push(hosted.runtime);
    return hosted;
  }

  /** A copy of the store as a crash would leave it at this moment, with some damage. */
  function crashed(
    before: Host,
    damage: (run: (sql: string, ...values: string[]) => void) => void,
  ): Promise<string> {
    return crashedIn(before, scratch, (database) =>
      damage((sql, ...values) => change(database, sql, ...values)),
    );
  }

  /**
   * A session of alice with two jobs of `agent` that emitted three events each, one to damage and one to keep whole,
   * and one that has ended.
   */
  async function house(agent: string) {
    const before = host(scratch.newFile());
    const owner = new Viewer(before.runtime);
    const welcome = await owner.hello();
    const [hurt, whole] = [await before.start(owner, agent), await before.start(owner, agent)];
    for (const { ctx } of [hurt, whole]) {
      for (const text of ["one", "two", "three"]) await ctx.log.info(text);
      await ctx.flush();
    }
    const { job_id: ended = "" } = await owner.submit("once", { input: "the result" });
    await owner.terminal(ended);
    await owner.find(({ event_seq }) => event_seq === 10);
    return { before, owner, welcome, hurt: hurt.id, whole: whole.id, ended };
  }

  return { scratch, host, crashed, house };
}
