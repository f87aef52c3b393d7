"""Reads documents into Arrow without loss: the contract, and the reader in Python that is its reference.

The input is a raw batch: concatenated BSON documents, as a server sends them and a dump holds them. The output is a
`Batch`: an Arrow table of the columns asked for, the raw bytes of each row, and the rejected documents. Every reader of
BSON, this one or a native one, guarantees:

1. **Nothing is lost.** Every byte of a document is accounted for: duplicate keys, undefined, symbols, DBPointers,
   subtypes of binary data, NaN and minus zero are distinguished, or the document is rejected with the reason. A value
   that a column's Arrow type cannot hold exactly is never changed to fit.
2. **Everything is checked.** Every document is checked against the whole shape, not only the columns. A path that is
   not in the shape is `unseen_path`, a type that is not in its node is `unseen_type`; a date beyond a timestamp (or a
   UUID of another length) where the survey saw none is `out_of_range`. A number is accepted as another type only if no
   value changes: an int where all others are long.
3. **A bad document affects no other.** Duplicate keys, invalid UTF-8 and broken bytes reject that document, with its
   position, its raw bytes, and its key if that can still be read. After an invalid length the start of the next
   document is unknown: the rest of the batch is one broken document. The others are read as if it did not exist.
4. **The order is kept.** Row i of the table is `raws[i]`, in the batch's order; `#row` counts from 0. The order of
   fields has no meaning, but json, ejson and rest keep it.
5. **NULL means null, missing, or a path through something that is not an object**; the forms `present` and `type`
   distinguish them. An element of an array is a row even if it is null.
6. **Memory is bounded by the batch.** Documents of 16 MB are accepted.

The Arrow type for each kind of node is in `forms.ARROW_KINDS`. Fields with the metadata `crossfade: uuid` hold 16 bytes
that are a UUID. Text in canonical form is exactly that of `ejson.canonical`, text in plain form that of `ejson.plain`:
keys are compared by it.
"""
