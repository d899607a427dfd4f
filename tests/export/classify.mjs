// Classify texts with npm's @huggingface/transformers, one by one, as a page or a server under Node would.
// usage: node classify.mjs FOLDER_OF_MODELS MODEL DTYPE TEXTS.json   (run where the package is installed)
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.cwd()}/`));
const { env, pipeline } = await import(pathToFileURL(require.resolve("@huggingface/transformers")).href);
const [models, model, dtype, texts] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = models;
const classify = await pipeline("text-classification", model, { dtype });
const answers = [];
for (const text of JSON.parse(readFileSync(texts, "utf-8"))) {
  answers.push(await classify(text, { top_k: null }));
}
console.log(JSON.stringify(answers));
