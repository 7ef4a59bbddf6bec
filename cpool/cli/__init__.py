"""The command line: pool pictures and arrays from file to file.

==================  =================================================================================
``commands.py``     what a user types
``pooling.py``      the operations, and what each may be done to
``files.py``        which ending means what; reading and writing in one place; whole files or none
``pictures.py``     the kinds of pictures: PNG and JPEG by Pillow, TIFF by tifffile
``arrays.py``       .npy in bands of rows, .npz
``zarr.py``         Zarr by dask, pyramids
``bench.py``        the short benchmark
==================  =================================================================================

Every file is an array whose last axes are pooled. A picture is one too, (channels, height, width), and carries along
what its numbers mean. Nothing is converted on the way: what a format cannot hold, it refuses.
"""

from .commands import main

__all__ = ["main"]
