// Reads [[kind, text], ...] as JSON from standard input; prints what the real parser of each kind found, as JSON.
import fs from 'node:fs'
import { JSDOM } from 'jsdom'

const { window } = new JSDOM('')
Object.assign(globalThis, { window, document: window.document }) // mermaid looks for a browser
const { default: mermaid } = await import('mermaid')
const dbml = await import('@dbml/core')

mermaid.initialize({})
await mermaid.parse('erDiagram\n a') // loads the kinds of diagrams

async function readMermaid(text) {
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text)
  const tables = [...db.getEntities().values()].map((e) => [e.label, e.attributes.map((a) => a.name)])
  return { tables, references: db.getRelationships().length }
}

function qualified(schema, table) {
  return schema.name === 'public' ? table.name : `${schema.name}.${table.name}`
}

function readDbml(text) {
  const { schemas } = new dbml.Parser().parse(text, 'dbmlv2')
  const tables = schemas.flatMap((s) => s.tables.map((t) => [qualified(s, t), t.fields.map((f) => f.name)]))
  return { tables, references: schemas.flatMap((s) => s.refs).length }
}

async function read(kind, text) {
  try {
    return await (kind === 'mermaid' ? readMermaid(text) : readDbml(text))
  } catch (error) {
    return { error: JSON.stringify(error.diags ?? error.message ?? String(error)).slice(0, 300) }
  }
}

const results = []
for (const [kind, text] of JSON.parse(fs.readFileSync(0, 'utf8'))) results.push(await read(kind, text))
console.log(JSON.stringify(results))
