import { ways } from "../../test/line.ts";
import { describeKit } from "../../test/played.ts";

describeKit(ways.filter((way) => way.startsWith("memory on ")));
