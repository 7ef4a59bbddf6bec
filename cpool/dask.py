"""Pooling of dask arrays, chunk by chunk: lazy, any chunking, the values of one machine.

The functions have the names and arguments of cpool's. Each output chunk is one task: it takes the input elements that its
windows see, so along a chunk's edge the few rows that a neighbour needs are moved, and no more. Every task pools on one
thread, for the parallelism is dask's.

Examples
--------
>>> import dask.array, cpool.dask
>>> x = dask.array.ones((4, 1000, 1000), chunks=(1, 300, 400))
>>> y = cpool.dask.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
>>> y.shape, float(y.mean())
((4, 500, 500), 1.0)
"""
