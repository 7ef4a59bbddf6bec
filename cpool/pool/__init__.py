"""The public functions, one file per family; `cpool.functional` gathers them."""
