"""The driver: windows, planes, tiles, scratch and threads, over the canonical view (P, D, H, W, I).

P independent planes, up to three pooled axes, and I, the contiguous run under one pixel (I = 1 for NCHW memory, I = C
for channels-last). The driver knows bytes and distances. It knows no type, no reduction and no instruction set: rows of
numbers are given to leaves (leaves/leaves.h), a table of functions per instruction set.

    plane      one image, row or volume: what is pooled on its own
    slab       the rows of a volume at one d
    row        the elements along W at one (d, h); a lane is one of them, or one number of any row in scratch
    window     what one output sees; a tap is one of its elements, along one axis or of all
    stride     from one window to the next; dilation, or step: from one tap to the next
    padding    what windows see outside the input: the reduction's identity
    alike      windows that see the same, tap by tap
    tile       output columns that are done together; a chunk is so many of their rows, a band the input rows they see
    run        the elements under one pixel
    pitch      from one row in scratch to the next
    place      where in its window a winner stands; index: where in its plane

    job.pxi       an axis' windows, an array's memory, and a job of both
    scratch.pxi   one cursor that takes parts;  room.pxi: which parts, for which strategy;  keep.h: of what memory
    rows.pxi      along D and H: rows are folded
    lanes.pxi     along W: the strategies
    values.pxi    max, min, sum: rows, then lanes, a chunk at a time
    picks.pxi     values with places: lanes, then rows
    planes.pxi    planes with short rows, turned into channels; bands that are copied, with masks and for norms
    ordered.pxi   median, quantiles, mode;  ranked.pxi: quantiles of large windows that share much
    scatter.pxi   along indices: the gradient of what selects, and that of unpooling
    copies.pxi    the gradient of windows that lie side by side
    powers.pxi    what the gradient of a norm is multiplied by
    this file     tasks for threads, and Call, what Python holds

Compiled once. Arguments are checked in Python; nothing here validates but indices.
"""

from cpython.buffer cimport PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython.parallel cimport prange
from libc.math cimport NAN
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport abort, calloc, free
from libc.string cimport memchr, memcmp, memcpy, memset

include "job.pxi"
include "scratch.pxi"
include "rows.pxi"
include "lanes.pxi"
include "room.pxi"
include "values.pxi"
include "picks.pxi"
include "planes.pxi"
include "ordered.pxi"
include "ranked.pxi"
include "scatter.pxi"
include "copies.pxi"
include "powers.pxi"

cdef extern from "levels.h":
    int LEVELS_BUILT "CPOOL_LEVELS"
    void fill_tables "cpool_fill_tables"() noexcept
    const char* level_name "cpool_level_name"(int level) noexcept nogil
    int level_runs "cpool_level_runs"(int level) noexcept nogil
    const Leaves* level_leaves "cpool_level_leaves"(int level) noexcept nogil

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_num_procs(void) { return 1; }
    #endif
    """
    int omp_get_max_threads() noexcept nogil
    int omp_get_num_procs() noexcept nogil

ctypedef void (*Work)(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil

cdef int OMP_AT_IMPORT = omp_get_max_threads()
cdef bint entered_openmp = False  # by any call of this process
cdef Py_ssize_t team = 1, spared = 0  # threads of late; how many calls since had work for fewer of them
cdef enum:
    PATIENCE = 32                     # so many such calls, one after the other, keep the team
fill_tables()

#: Names in the order of their numbers here and in leaves.h, for Python to count by; and the bytes of each type.
TYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
         "bfloat16")
SIZES = (4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2)
REDUCTIONS = ("max", "min", "nanmax", "nanmin", "sum", "total", "moments")
NORMS = ("plain", "square", "power", "magnitude")
ACROSS = ("as it lies", "nested", "band", "band flat")
ALONG = ("none", "flat", "rows", "halves", "phases", "turned", "spread", "long", "singly", "condensed",
         "windows")
METHODS = ("linear", "lower", "higher", "nearest", "midpoint")
assert len(TYPES) == STORED and len(REDUCTIONS) == KINDS
assert len(ALONG) == WINDOWS + 1 and len(ACROSS) == BAND_FLAT + 1 and len(METHODS) == MIDPOINT + 1


def levels():
    """The instruction sets that are built and that this CPU has, from the lowest to the highest."""
    return [level_name(i).decode() for i in range(LEVELS_BUILT) if level_runs(i)]


def has_entered_openmp():
    """Whether any call has used more than one thread."""
    return bool(entered_openmp)


def omp_threads():
    """OpenMP's default thread count (OMP_NUM_THREADS), capped by the processors this process may use."""
    return min(omp_get_max_threads(), omp_get_num_procs())


cdef int number_of(str what, tuple names, str name) except -1:
    """Where a name stands among those there are."""
    if name not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, got {name!r}")
    return names.index(name)


cdef inline Py_ssize_t allowed(Py_ssize_t threads) noexcept nogil:
    """Respect whoever has lowered OpenMP's own limit since the import, as threadpoolctl does."""
    cdef Py_ssize_t now = omp_get_max_threads()
    return min(threads, now) if now < OMP_AT_IMPORT else threads


cdef Py_ssize_t threads_to_have(Py_ssize_t threads, Py_ssize_t limit) noexcept:
    """How many threads OpenMP shall have where so many have work: as many as of late. GNU's OpenMP ends the threads
    that a smaller team does not need, and starts them anew for the next larger one; having them wait for the end of a
    few calls is less."""
    global team, spared
    spared = 0 if threads >= team else spared + 1
    if spared == 0 or spared > PATIENCE:
        team, spared = threads, 0
    return min(team, limit)


cdef void work_in(Work work, Job* job, char* base, Py_ssize_t scratch_bytes, Py_ssize_t first,
                  Py_ssize_t last) noexcept nogil:
    """Do a piece of work in scratch."""
    cdef Scratch scratch = scratch_at(base, scratch_bytes, 1 if job.together else job.arrays, job.open.apart)
    work(job, &scratch, first, last)
    lay_anew(&scratch)


cdef void share_in(Work work, Job* job, char* base, Py_ssize_t scratch_bytes, Py_ssize_t unit, Py_ssize_t units,
                   Py_ssize_t pieces, int64_t* next, Py_ssize_t thread, Py_ssize_t threads) noexcept nogil:
    """Do the pieces of one thread, then what others have left: next[t * LINE / 8] is the next piece of thread t."""
    cdef Py_ssize_t k, t, piece
    for k in range(threads):
        t = (thread + k) % threads
        while True:
            piece = <Py_ssize_t>take_number(next + t * (LINE // 8))
            if piece >= (t + 1) * pieces // threads:
                break
            work_in(work, job, base, scratch_bytes, piece * units // pieces * unit,
                    (piece + 1) * units // pieces * unit)


cdef int share_out(Work work, Job* job, Py_ssize_t total, Py_ssize_t unit, Py_ssize_t scratch_bytes,
                   Py_ssize_t pieces_each=8) except -1:
    """Call `work` for [0, total) in one piece, or on several threads in so many pieces of whole units for each of them.

    The share of a thread is the same at every call, for its cache may still hold that memory; then it helps others."""
    cdef Py_ssize_t each = round_up(scratch_bytes, LINE) + 2 * LINE, units = total // unit, pieces, t
    cdef Py_ssize_t threads = max(1, min(allowed(job.threads), units)) if job.threads > 1 else 1
    cdef char* room = take_block(threads * (each + LINE) + LINE)
    cdef char* scratch
    cdef int64_t* next
    if room == NULL:
        raise MemoryError(f"no room for the scratch of {threads} threads, {scratch_bytes} bytes each")
    next = <int64_t*>round_up(<Py_ssize_t>room, LINE)
    scratch = <char*>next + threads * LINE
    open_gap(<char*>next, scratch - <char*>next)  # one that an earlier call closed may lie where the counters are
    global entered_openmp
    entered_openmp |= threads > 1
    cdef Py_ssize_t present = threads_to_have(threads, allowed(job.limit)) if threads > 1 else 1
    with nogil:
        if threads == 1:  # no OpenMP at all: safe in a forked child, and nothing to pay for small work
            work_in(work, job, scratch, scratch_bytes, 0, total)
        else:
            pieces = min(units, pieces_each * threads)
            for t in range(threads):
                next[t * (LINE // 8)] = t * pieces // threads
            for t in prange(threads, num_threads=<int>present, schedule="static", chunksize=1):
                share_in(work, job, scratch + t * each, scratch_bytes, unit, units, pieces, next, t, threads)
    release_block(room)
    return 0


cdef const int64_t* read_axis(const int64_t* p, Axis* w) noexcept nogil:
    """Unpack the windows of one axis, as geometry.Table.packed lays them out; return where the next ones start."""
    cdef Py_ssize_t counts = p[11], o
    w.size, w.out, w.kernel, w.stride, w.step, w.before, w.period = p[0], p[1], p[2], p[3], p[4], p[5], p[6]
    w.uniform, w.advance, w.plane_rows, w.one_count = <bint>p[7], p[8], p[9], p[10]
    w.span, w.every, w.fewest = (w.kernel - 1) * w.step + 1, w.period or w.out, w.kernel
    if w.uniform:
        w.every, w.advance = 1, w.stride
    p += 12
    if not w.uniform:
        w.firsts, w.tap_counts, w.alike = p, p + w.out, p + 2 * w.out
        for o in range(w.out):
            w.fewest = min(w.fewest, w.tap_counts[o])
        p += 3 * w.out
    if not w.one_count:
        w.counts = p
        p += counts
    return p


cdef const int64_t* read_memory(const int64_t* p, Job* job, Memory* m) noexcept nogil:
    """Unpack the strides of one array, as layouts.Memory.packed lays them out; return where the next one's start."""
    m.type, m.d, m.h, m.w = p[0], p[1], p[2], p[3]
    m.planes = p + 4
    return m.planes + job.leads


cdef Tile widest(Job* job) noexcept nogil:
    """A tile that has as much of everything as any has."""
    cdef Tile tile, most = tile_at(job, 0)
    cdef Py_ssize_t number, tiles = parts_of(job.width.out, job.columns)
    for number in range(1, min(tiles, 2) if job.width.uniform else tiles):
        tile = tile_at(job, number)
        most.span, most.pitch = max(most.span, tile.span), max(most.pitch, tile.pitch)
    return most


cdef int set_number(char* to, bytes bits) except -1:
    """Set a number of whatever type, if there is one."""
    if bits is not None:
        memcpy(to, <const char*>bits, len(bits))
    return 0


cdef const int32_t* read_network(const int32_t* p, Network* network) noexcept nogil:
    """Unpack one network as networks.packed lays it out; return where the next one starts."""
    network.number, network.inputs, network.rows, network.n = p[0], p[1], p[2], p[3]
    network.steps = p + 4
    network.order = network.steps + 4 * network.n
    return network.order + network.inputs


cdef Py_ssize_t room_of_windows(Job* job, Scratch* scratch, bint turns, bint ordered) noexcept nogil:
    """Bytes of scratch that windows are pooled in. Of planes that are turned the last ones may be fewer: less than a
    vector, they are laid out in another way, for which less may not be enough."""
    cdef Py_ssize_t most = 0, k
    cdef Job group = job[0]
    cdef Tile tile
    for k in range(2 if turns and job.planes % job.together else 1):
        if turns:
            group = turned_job(job, job.planes % job.together if k else job.together)
        if ordered:
            lay_block_out(&group, scratch)
        else:
            tile = widest(&group)
            lay_out(&group, scratch, &tile)
        most = max(most, scratch.taken)
    return most


cdef class Call:
    """One pooling, all decided but the arrays. Immutable, so that any number of threads may run it at once.

    Parameters
    ----------
    kind : str
        "values", "picks", "finds", "ordered", "ranked", "scatter", "gather", "copies" or "powers".
    level, type : str
        Of the leaves: instruction set, and what is computed in.
    windows, memory : contiguous arrays of int64
        The tables of the axes and the strides of the arrays.
    threads : int
        At most so many.
    options : dict
        By name: what `Job` holds besides.
    """

    cdef Job job
    cdef Work work
    cdef Py_ssize_t total
    cdef readonly Py_ssize_t scratch_bytes  # of one thread
    cdef readonly Py_ssize_t network_steps  # numbers that its networks are told by
    cdef bint backward, reads_indices
    cdef const int64_t[::1] windows, memory  # what job points into
    cdef const int32_t[::1] networks
    cdef const double[::1] quantiles

    def __cinit__(self, str kind, str level, str type, const int64_t[::1] windows, const int64_t[::1] memory,
                  int threads, *, str reduction="max", str norm="plain", double power=0, divisor=None,
                  bint divides=False, bint divides_first=False, str across="nested", str along="none",
                  Py_ssize_t slabs=1, Py_ssize_t rows=1, Py_ssize_t columns=1, bint one_pass=False, bint native=False,
                  bint as_it_lies=False, bint gapped=False, bint far=False, Py_ssize_t together=0, Py_ssize_t band=0,
                  bint turns=False, networks=None, quantiles=None, str method="linear", Py_ssize_t quantile_pitch=0,
                  Py_ssize_t block_windows=1, bint shares=False, bint omits=False, Py_ssize_t least=1,
                  double ddof=0, bint root=False, str sum_across="nested", double sum_divisor=0, bint zeros=False,
                  bint assign=False, bint fresh=False, bint by_planes=False,
                  Py_ssize_t lanes_aside=0, identity_bits=None, skip_bits=None, blank_bits=None, bint watches=False):
        cdef Job* job = &self.job
        cdef const int64_t* p = &memory[0]
        cdef Scratch scratch
        cdef Py_ssize_t beyond
        memset(job, 0, sizeof(Job))
        self.windows, self.memory = windows, memory
        job.threads, job.planes, job.leads, job.run = threads, p[0], p[1], p[2]
        job.lead_shape = p + 3
        p = read_memory(p + 3 + job.leads, job, &job.x)
        p = read_memory(p, job, &job.y)
        p = read_memory(p, job, &job.at)
        read_memory(p, job, &job.where)
        p = read_axis(&windows[0], &job.depth)
        p = read_axis(p, &job.height)
        read_axis(p, &job.width)
        job.height.plane_rows = job.height.plane_rows or job.height.size
        job.leaves = leaves_of(level)
        job.type = number_of("type", TYPES[:COMPUTED], type)
        job.reduction, job.norm = number_of("reduction", REDUCTIONS, reduction), number_of("norm", NORMS, norm)
        job.size = SIZES[job.type]
        job.x.size, job.y.size, job.at.size = SIZES[job.x.type], SIZES[job.y.type], SIZES[job.at.type]
        job.where.size = 1
        job.unit = job.run * job.size
        job.power, job.assign, job.divides, job.divides_first = power, assign, divides, divides_first
        job.close.last, job.close.divisor, job.open.divisor = True, divisor if divisor is not None else 1, 1
        job.close.far = job.open.far = far
        job.picks = kind == "picks"
        job.arrays = 3 if job.reduction == MOMENTS else 2 if job.reduction == TOTAL or job.picks else 1
        job.omits, job.least, job.ddof, job.root, job.zeros = omits, least, ddof, root, zeros
        job.sum_across, job.sum_divisor = number_of("across", ACROSS, sum_across), sum_divisor
        job.across, job.along = number_of("across", ACROSS, across), number_of("along", ALONG, along)
        job.slabs, job.rows, job.columns, job.one_pass = slabs, rows, columns, one_pass
        job.native, job.as_it_lies, job.gapped = native, as_it_lies, gapped
        job.rounds = job.reduction == SUM and job.leaves.round[job.type] != NULL
        set_number(job.identity, identity_bits)
        set_number(job.blank_bits, blank_bits)
        job.masked, job.watches = blank_bits is not None, watches
        job.fold, job.pick = job.leaves.fold[job.reduction][job.type], job.leaves.pick[job.reduction][job.type]
        job.load, job.store = job.leaves.load[job.type][job.x.type], job.leaves.store[job.type][job.y.type]
        if job.rounds:
            job.store = job.leaves.store[job.y.type][job.y.type]
        job.fill = job.leaves.fill[log_of(job.size)]
        self.reads_indices = kind in ("scatter", "gather", "powers")
        self.total = job.planes * job.depth.out * job.height.out
        scratch = scratch_at(NULL, 0, 1, 0)
        job.together, job.band = together, band
        if together:
            self.total, job.tallest = parts_of(job.planes, together) * bands_of(job), tallest_band(job)
        if kind == "values" or kind == "picks":
            self.work = pool_rows
            # One length for all groups of turned planes, the smaller last one too.
            job.long_columns = 4096 if job.run == 1 and not turns else 512
            if turns:
                self.work = pool_planes
                lay_turned(job, &scratch)
            elif together:
                self.work = pool_counting
                lay_counting(job, &scratch)
            beyond = scratch.taken
            job.open.apart = job.close.apart = round_up(room_of_windows(job, &scratch, turns, False), LINE)
            scratch.taken = beyond + job.arrays * job.open.apart
            if not turns:
                self.total *= parts_of(job.width.out, columns)
        elif kind == "finds":
            self.work = find_rows
            take(&scratch, SEARCHED * job.size)
        elif kind == "ordered" or kind == "ranked":
            job.skips = job.type <= FLOAT64 or skip_bits is not None
            job.marks = job.skips or job.masked
            set_number(job.skip, skip_bits)
            if quantiles is not None:
                self.quantiles = quantiles
                job.quantiles, job.n_quantiles, job.quantile_pitch = &self.quantiles[0], len(quantiles), quantile_pitch
                job.direct, job.store = job.store, job.leaves.store[FLOAT64][job.y.type]
            job.method = number_of("method", METHODS, method)
            if kind == "ranked":
                self.work, self.total = pool_ranked, job.planes * ranked_tiles(job)
                lay_ranking(job, &scratch)
            else:
                self.work = pool_ordered
                self.networks, job.shares, job.block_windows = networks, shares, block_windows
                self.network_steps = self.networks.shape[0]
                read_network(read_network(read_network(&self.networks[0], &job.column), &job.wanted_ranks),
                             &job.all_ranks)
                if turns:
                    self.work = pool_planes
                    lay_turned(job, &scratch)
                beyond = scratch.taken
                scratch.taken = beyond + room_of_windows(job, &scratch, turns, True)
        elif kind == "scatter":
            self.work, self.backward = scatter_rows, True
            job.load, job.store = job.leaves.load[job.type][job.y.type], job.leaves.store[job.type][job.x.type]
            self.total = job.planes * elements_of(job) // row_pixels(job)
            job.checks, job.by_planes, job.lanes_aside = fresh, by_planes, lanes_aside
            lay_scattered(job, &scratch)
        elif kind == "copies":
            self.work = copy_shares
            self.total *= parts_of(inputs_seen(&job.width), columns)
            lay_copied(job, &scratch)
        elif kind == "gather":
            self.work = gather_rows
        elif kind == "powers":
            self.work, self.total = multiply_powers, parts_of(job.width.size, MULTIPLIED)
        else:
            raise ValueError("kind must be values, picks, finds, ordered, ranked, scatter, gather, copies or powers, "
                             f"got {kind!r}")
        if (job.fold == NULL or job.load == NULL or job.store == NULL or (job.picks and job.pick == NULL)
                or (kind == "values" and as_it_lies and not native and not gapped and not turns
                    and job.leaves.widen[job.type][job.x.type] == NULL)):
            raise ValueError(f"there are no leaves for {kind} by {reduction} of {type}")
        self.scratch_bytes = scratch.taken

    def run_masked(self, int threads, x, y, where, indices=None):
        """Run with only those elements of x that `where`, an array of bool that lies as was said, lets count; return
        whether NaN was among these."""
        cdef Py_buffer a
        cdef int met = False
        PyObject_GetBuffer(where, &a, PyBUF_STRIDES)
        try:
            self.do(threads, x, y, indices, <char*>a.buf, &met)
            return bool(met)
        finally:
            PyBuffer_Release(&a)

    def run(self, int threads, x, y, indices=None):
        """On at most `threads` threads. Forward: read x, write y and, with places, indices; gather and powers: read x
        and indices, write y. Scatter: read y and indices, write x.

        Indices that are read are checked before they are used, by a scatter before anything is written to memory that
        the caller knows; return whether one is outside the plane.
        """
        return self.do(threads, x, y, indices, NULL, NULL)

    cdef object do(self, int threads, object x, object y, object indices, char* where, int* met):
        cdef Job job = self.job
        cdef Py_buffer views[3]
        cdef Py_ssize_t rows = job.planes * job.depth.out * job.height.out, unit = 1, n = 0, i
        cdef int astray = False, crowded = False, read = PyBUF_STRIDES, written = PyBUF_STRIDES | PyBUF_WRITABLE
        job.threads, job.limit, job.where.data, job.met = min(job.threads, threads), threads, where, met
        job.astray, job.crowded = &astray, &crowded
        job.by_planes |= job.planes >= job.threads
        if self.backward and job.by_planes:
            unit = self.total // max(1, job.planes)  # whole planes: their indices are read once
        else:
            job.checks = False
        try:
            PyObject_GetBuffer(x, &views[0], written if self.backward else read)
            n = 1
            PyObject_GetBuffer(y, &views[1], read if self.backward else written)
            n = 2
            if indices is not None:
                PyObject_GetBuffer(indices, &views[2], read if self.reads_indices else written)
                n = 3
                job.at.data = <char*>views[2].buf
            job.x.data, job.y.data = <char*>views[0].buf, <char*>views[1].buf
            if not self.backward or job.checks:
                share_out(self.work, &job, self.total, unit, self.scratch_bytes)
                return bool(astray)
            job.extents = <int64_t*>calloc(rows, 2 * sizeof(int64_t))
            if job.extents == NULL:
                raise MemoryError
            share_out(extent_rows, &job, rows, 1, 0)
            if astray:
                return True
            job.channel_blocks = channel_blocks_of(&job)
            if job.channel_blocks > 1 and not is_shared_by_rows(&job):
                share_out(scatter_channels, &job, job.planes * job.channel_blocks, 1, self.scratch_bytes)
            else:
                share_out(self.work, &job, self.total, unit, self.scratch_bytes, 1)
            return False
        finally:
            free(job.extents)
            for i in range(n):
                PyBuffer_Release(&views[i])


cdef const Leaves* leaves_of(str level) except NULL:
    cdef int i
    for i in range(LEVELS_BUILT):
        if level_name(i).decode() == level and level_runs(i):
            return level_leaves(i)
    raise ValueError(f"level must be one of {', '.join(levels())}, got {level!r}")
