// node read_jsroot.mjs NODE_MODULES < LIST: what JSROOT reads from files. Each line of LIST is FILE<TAB>OUT.json; OUT.json
// gets, for each RNTuple by its path, the values of each top-level field in the first entries, or why there are none.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ENTRIES = 500;

const at = createRequire(join(resolve(process.argv[2]), 'jsroot', 'package.json'));
const load = async name => import(pathToFileURL(at.resolve(name)));
const { openFile } = await load('jsroot/io');
const { TSelector } = await load('jsroot/tree');
const { readHeaderFooter, rntupleProcess } = await load('jsroot/rntuple');

/** A value that JSON can hold; different values stay different. */
function plain(value) {
   if (typeof value === 'bigint')
      return `${value}n`;
   if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0) ? value : String(Object.is(value, -0) ? '-0' : value);
   if (ArrayBuffer.isView(value) || Array.isArray(value))
      return Array.from(value, plain);
   if (value === undefined)
      return '(undefined)';
   if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
   return value;
}

class Collector extends TSelector {
   constructor(field) {
      super();
      this.addBranch(field, 'value');
      this.values = [];
   }

   Process() {
      this.values.push(plain(this.tgtobj.value));
   }
}

async function readField(tuple, field) {
   try {
      const collector = new Collector(field);
      await rntupleProcess(tuple, collector, { numentries: ENTRIES });
      return { values: collector.values };
   } catch (error) {
      return { error: String(error.message ?? error) };
   }
}

async function readTuple(tuple) {
   // JSROOT reports what it does not understand here to the console only.
   let said = '';
   const complain = console.error;
   console.error = (...words) => { said = words.map(String).join(' '); };
   try {
      const builder = await readHeaderFooter(tuple);
      if (!builder)
         return { error: said || 'JSROOT does not read it' };
      const top = builder.fieldDescriptors.filter((field, index) => field.parentFieldId === index);
      const clusters = builder.clusterSummaries.map(cluster => cluster.numEntries);
      const result = { entries: clusters.reduce((sum, n) => sum + n, 0), clusters, groups: builder.clusterGroups.length, fields: {} };
      for (const field of top)
         result.fields[field.fieldName] = { type: field.typeName, ...await readField(tuple, field) };
      return result;
   } finally {
      console.error = complain;
   }
}

async function readDirectory(directory, prefix, result) {
   for (const key of directory.fKeys) {
      const path = prefix + key.fName;
      if (key.fClassName === 'TDirectory' || key.fClassName === 'TDirectoryFile') {
         await readDirectory(await directory.readObject(key.fName), `${path}/`, result);
      } else if (key.fClassName === 'ROOT::RNTuple' && !(path in result)) {
         // the newest cycle comes first
         result[path] = await readTuple(await directory.readObject(`${key.fName};${key.fCycle}`));
      }
   }
}

for (const line of readFileSync(0, 'utf8').split('\n').filter(text => text)) {
   const [path, out] = line.split('\t');
   let result = {};
   try {
      const file = await openFile(path);
      await readDirectory(file, '', result);
   } catch (error) {
      result = { error: String(error.message ?? error) };
   }
   writeFileSync(out, JSON.stringify(result));
}
