import { mergeConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import shared from "../../scripts/vitest-config.ts";

/** The small files that play the whole kit wait longest: begun last, they would be waited for by everything. */
class KitFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isKit = ({ moduleId }: TestSpecification) => /\/src\/kit\/over-/.test(moduleId);
    return [...sorted.filter(isKit), ...sorted.filter((file) => !isKit(file))];
  }
}

// Most scenarios wait most of their time, for windows to end and for what must not come.
export default mergeConfig(shared, { test: { maxWorkers: 4, sequence: { sequencer: KitFirst } } });
