// Gets workflows ({name: text}); tells what GitHub's own parser finds in each, and the scripts of its steps.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { pathToFileURL } from "node:url";

// The package imports JSON in the way of bundlers, without the attribute that Node asks for.
register("./json_modules.mjs", import.meta.url);
const folder = `${process.argv[2]}/@actions/workflow-parser`;
const { main, exports } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
const entry = main ?? exports["."].import ?? exports["."];
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } =
  await import(pathToFileURL(`${folder}/${entry}`));

async function read(name, content) {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  const findings = () => context.errors.getErrors().map((error) => error.message);
  if (!value || findings().length) return { findings: findings(), scripts: [] };
  const template = await convertWorkflowTemplate(context, value);
  const steps = (template.jobs ?? []).flatMap((job) => job.steps ?? []);
  return { findings: findings(), scripts: steps.filter((step) => step.run).map((step) => String(step.run)) };
}

const answers = {};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) answers[name] = await read(name, text);
console.log(JSON.stringify(answers));
