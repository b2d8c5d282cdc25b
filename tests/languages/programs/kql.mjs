// Gets databases ({name: {table: "(column:type, …)"}}) and queries ({name: text}); tells by database and query what
// Microsoft's language service finds.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const packages = process.argv[2];
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  // Plain scripts that share one context, as in a browser.
  vm.runInThisContext(readFileSync(`${packages}/@kusto/language-service-next/${file}`, "utf8"), { filename: file });
}

const { Kusto } = globalThis;
const { databases, queries } = JSON.parse(readFileSync(0, "utf8"));

function globalsOf(name, tables) {
  const symbols = Object.entries(tables).map(([table, columns]) =>
    Kusto.Language.Symbols.TableSymbol.From(columns).WithName(table));
  return Kusto.Language.GlobalState.Default.WithDatabase(
    new Kusto.Language.Symbols.DatabaseSymbol.$ctor1(name, symbols));
}

function findings(query, globals) {
  const found = Kusto.Language.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, number) => {
    const { Severity, Code, Message, Start, Length } = found.getItem(number);
    return `${Severity} ${Code} at ${query.slice(Start, Start + Length) || "the end"}: ${Message}`;
  });
}

const mapped = (object, turn) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, turn(value, name)]));

console.log(JSON.stringify(mapped(databases, (tables, name) => {
  const globals = globalsOf(name, tables);
  return mapped(queries, (query) => findings(query, globals));
})));
