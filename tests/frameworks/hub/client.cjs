// Asks a Hub with huggingface.js: node client.cjs ADDRESS MODULES CACHE. Its last line is what it found, as JSON.
const { createRequire } = require("node:module");
const { createHash } = require("node:crypto");
const [hubUrl, modules, cacheDir] = process.argv.slice(2);
const hub = createRequire(modules + "/")("@huggingface/hub");

const digest = async (blob) => createHash("sha256").update(Buffer.from(await blob.arrayBuffer())).digest("hex");
const refused = async (call) => {
  try {
    await call();
    return null;
  } catch (error) {
    return { status: error.statusCode, message: error.message };
  }
};

async function main() {
  const repo = "init/fixup-small";
  const at = { repo, hubUrl, revision: "seed-42" };
  const files = [];
  for await (const file of hub.listFiles({ ...at, recursive: true, expand: true })) files.push(file);
  const weights = await hub.downloadFile({ ...at, path: "model.safetensors" });
  const header = await hub.parseSafetensorsMetadata({ ...at, computeParametersCount: true });
  const sharded = await hub.parseSafetensorsMetadata({ repo: "init/gpt2-xl", hubUrl, computeParametersCount: true });
  const snapshot = await hub.snapshotDownload({ ...at, cacheDir });
  const found = {
    files,
    digest: await digest(weights),
    part: await digest(weights.slice(1000, 2000)),
    info: await hub.fileDownloadInfo({ ...at, path: "model.safetensors" }),
    parameters: header.parameterCount,
    names: Object.keys(header.header),
    sharded: { sharded: sharded.sharded, parameters: sharded.parameterCount, files: sharded.filepaths },
    model: await hub.modelInfo({ name: "init/gpt2-small", hubUrl, revision: "seed-7", additionalFields: ["sha", "tags"] }),
    main: await hub.modelInfo({ name: "init/gpt2-small", hubUrl, additionalFields: ["sha"] }),
    paths: await hub.pathsInfo({ ...at, paths: ["README.md", "nothing"], expand: true }),
    exists: [
      await hub.fileExists({ ...at, path: "README.md" }),
      await hub.fileExists({ ...at, path: "nothing" }),
      await hub.repoExists({ repo, hubUrl }),
      await hub.repoExists({ repo: "init/nothing", hubUrl }),
    ],
    missing: await hub.downloadFile({ ...at, path: "nothing" }),
    refused: [
      await refused(() => hub.downloadFile({ ...at, revision: "v1", path: "README.md" })),
      await refused(() => hub.modelInfo({ name: "init/nothing", hubUrl })),
    ],
    snapshot,
  };
  process.stdout.write("\n" + JSON.stringify(found));
}

main();
