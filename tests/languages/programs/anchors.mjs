// Gets the headings of pages ({page: [text]}); tells the anchors that GitHub gives them.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: GithubSlugger } = await import(pathToFileURL(`${process.argv[2]}/github-slugger/index.js`));
const pages = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(Object.entries(pages).map(([page, headings]) => {
  const slugger = new GithubSlugger(); // numbers those that are alike, page by page
  return [page, headings.map((heading) => slugger.slug(heading))];
}))));
