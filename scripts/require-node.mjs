// Import this first. It uses only old syntax, so that an old Node can parse it and report what is wrong.
const minimum = [22, 13];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
  console.error(
    `ARCP needs Node ${minimum.join(".")} or newer; this is Node ${process.versions.node}.`,
  );
  process.exit(1);
}
