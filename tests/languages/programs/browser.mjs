// Gets style sheets and content security policies ({name: text} each); tells what is found in them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { validate } = require("csstree-validator");
const { CspEvaluator } = require("csp_evaluator/dist/evaluator");
const { CspParser } = require("csp_evaluator/dist/parser");

const NEWEST_CSP = 3;
const mapped = (object, turn) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, turn(value)]));

const { sheets, policies } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({
  sheets: mapped(sheets, (text) => validate(text).map((found) => `line ${found.line}: ${found.message}`)),
  policies: mapped(policies, (text) => new CspEvaluator(new CspParser(text).csp, NEWEST_CSP).evaluate()
    .map((found) => `${found.directive}: ${found.description}`)),
}));
