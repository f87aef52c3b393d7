"""Documents into Arrow without loss: the contract, and the reader in Python that is its oracle.

A raw batch (BSON documents one after another, as a server sends them and a dump holds them) goes in; a `Batch` comes
out: an Arrow table of the columns asked for, the raw bytes of each row, and the documents that do not go on. Whoever
reads BSON for us, this reader or a native one, gives:

1. **Nothing is lost.** Every byte of a document is accounted for: equal keys, undefined, symbols, DBPointers,
   subtypes of binary data, NaN and minus zero are kept apart, or the document is set aside with the reason. A value
   that a column's Arrow type cannot hold exactly is never made to fit.
2. **Nothing goes by unseen.** Every document is held against the whole shape, also where no column looks. A path
   that is not in the shape is `unseen_path`, a type that is not in its node is `unseen_type`; a date beyond a timestamp
   (or a UUID of another length) where the survey saw none is `out_of_range`. One number may stand in
   for another only where no value changes: an int where all others are long.
3. **A bad document harms itself alone.** Duplicate keys, invalid UTF-8 and broken bytes set that document aside, with
   its position, its raw bytes, and its key where that can still be read. Where a length cannot be, nothing can say
   where the next document starts: the rest of the batch is one broken document. The others come out as if it had not
   been there.
4. **Order stays.** Row i of the table is `raws[i]`, in the batch's order; `#row` counts from 0. The order of fields
   means nothing, but json, ejson and rest keep it.
5. **NULL stands for null, for missing, and for a way that leads through something that is no object**; the forms
   `present` and `type` tell them apart. An element of an array is a row even where it is null.
6. **Memory is bounded by the batch.** Documents of 16 MB pass.

What arrives for each kind of node is the table `forms.ARROW_KINDS`. Fields with the metadata `crossfade: uuid` hold
16 bytes that are a UUID. Text in canonical form is `ejson.canonical`, text in plain form `ejson.plain`, to the
letter: keys are compared by it.
"""
