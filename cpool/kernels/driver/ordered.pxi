# Windows in order: median, quantiles and mode. Tap t of many windows lies in row t, one window per lane, and whole rows
# are compared: no branch, no step that depends on the numbers. Which rows, a network says (cpool/core/networks.py).
#
#     input rows --column--> columns in order --wanted, or all--> rows of ranks --> quantiles, or longest run of equals
#
# A column is the taps of a window at one place along W. Windows that move by 1 share their columns: these are put in
# order once, and tap t is column t of the first window, shifted. Of other windows column t of all is gathered first.
#
# What does not count (padding; NaN; of labels the one to be ignored; what `where` leaves out) is the greatest number
# there is, so that the taps that count come first, and is counted. Windows in which all taps count need the wanted
# ranks alone; others have ranks of their own, and get all that windows in which any number counts may need.
#
# Windows of one block lie side by side in an output row. Where few do, as at the borders of a plane, while many lie
# one below the other, the block is upright: its lanes go down a column of the output. Of small planes many are turned
# into channels first (planes.pxi), which are lanes too.

cdef struct Block:          # windows first, first + 1, ... of an output row, or so many of column `first`
    Py_ssize_t first, n, tall  # tall: how many taps of a column lie inside the input
    bint upright
    Py_ssize_t x_step, where_step, y_step  # bytes from one lane of an upright block to the next
    Py_ssize_t line_pitch, pitch
    Py_ssize_t most_upright  # how many windows at most
    bint full, found        # all taps of all windows are inside; of what was laid last, some elements do not count
    bint counted            # `marked` may hold what the block before has counted
    Network* network        # the one that was used
    char* line              # an input row before it is marked
    char* lines             # of each group of columns, the rows of its network
    Py_ssize_t* laid        # which input row lies in each of them, if all of it counts: later rows may see it
    char* spare             # rows of the network of all taps
    char** column_rows
    char** rows
    int32_t* marked         # of each group: how many taps of a column do not count, by lane
    int32_t* missing        # how many taps of a window
    char* results           # doubles, or modes
    const void** below      # of windows of which so many taps do not count: between which rows a quantile lies,
    const void** above
    double* parts           # and at which part of the way
    int32_t* length         # of runs of equals: that which ends at a tap, and the longest so far
    int32_t* longest
    int32_t* counting       # how many taps count

cdef enum:
    FEW_LANES = 32          # up to so many, a block is upright if it gets more that way


cdef inline bint shares_columns(Job* job, Block* block) noexcept nogil:
    """Whether windows of a block share columns."""
    return job.shares and not block.upright


cdef inline Py_ssize_t result_step(Job* job, Block* block) noexcept nogil:
    """Bytes from one result of a block to the next."""
    return block.y_step if block.upright else job.y.w


cdef inline Py_ssize_t groups_of(Job* job, bint shares) noexcept nogil:
    """How many times columns are put in order: once, or for each tap along W."""
    return 1 if shares else job.width.kernel


cdef inline Py_ssize_t line_of(Job* job, Py_ssize_t n, bint shares) noexcept nogil:
    """How many columns a group has for n windows."""
    return n + (job.width.kernel - 1) * job.width.step if shares else n


cdef Block lay_block_out(Job* job, Scratch* scratch) noexcept nogil:
    cdef Block block
    cdef Py_ssize_t line = line_of(job, job.block_windows, job.shares) * job.run, lanes = job.block_windows * job.run
    cdef Py_ssize_t groups = groups_of(job, job.shares), unit = job.unit, upright = 0, counts
    cdef Py_ssize_t modes = 0 if job.n_quantiles else lanes * sizeof(int32_t)
    lay_anew(scratch)
    block.line_pitch, block.pitch = round_up(line * job.size, LINE), round_up(lanes * job.size, LINE)
    block.most_upright = job.block_windows
    if job.shares:  # upright, there are more groups, of shorter rows
        upright = max(line * job.size // job.width.kernel // LINE, 1) * LINE
        block.most_upright = min(block.most_upright, upright // unit)
    block.line = take(scratch, line * job.size if job.marks else 0)
    block.lines = take(scratch, job.column.rows * max(groups * block.line_pitch, job.width.kernel * upright))
    block.laid = <Py_ssize_t*>take(scratch, groups * job.column.inputs * sizeof(Py_ssize_t))
    block.spare = take(scratch, (max(job.wanted_ranks.rows, job.all_ranks.rows) - job.all_ranks.inputs) * block.pitch)
    block.column_rows = <char**>take(scratch, job.column.rows * sizeof(char*))
    block.rows = <char**>take(scratch, max(job.wanted_ranks.rows, job.all_ranks.rows) * sizeof(char*))
    counts = max(groups * line, job.width.kernel * block.most_upright * job.run)
    block.marked = <int32_t*>take(scratch, counts * sizeof(int32_t) if job.marks else 0)
    block.missing = <int32_t*>take(scratch, lanes * sizeof(int32_t) if job.marks else 0)
    block.results = take(scratch, lanes * sizeof(double))
    counts = 0 if not job.n_quantiles else job.all_ranks.inputs + 1 if job.marks else 1
    block.below = <const void**>take(scratch, counts * sizeof(void*))
    block.above = <const void**>take(scratch, counts * sizeof(void*))
    block.parts = <double*>take(scratch, counts * sizeof(double))
    block.length = <int32_t*>take(scratch, modes)
    block.longest = <int32_t*>take(scratch, modes)
    block.counting = <int32_t*>take(scratch, modes)
    return block


cdef bint mark_line(Job* job, char* to, int32_t* counts, char* line, const char* inside, const char* where,
                    Py_ssize_t where_step, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Lay n runs, which lie side by side inside the input, and count those elements that do not count: where not all
    do by `where`, they lie in `line` already. Return whether there were any."""
    cdef bint found = False
    if job.masked and job.leaves.blank[job.type](line, line, NULL if job.skips else counts, <const unsigned char*>where,
                                                 where_step, n, run, job.blank_bits):
        if job.skips:
            raise_flag(job.met)
        found = True
    if not job.skips:
        memcpy(to, inside, n * run * job.size)
    elif job.leaves.mark[job.type](to, counts, inside, job.skip, job.identity, n * run):
        found = True
    return found


cdef char* lay_windows(Job* job, Block* block, char* to, int32_t* marked, const char* row, const char* where,
                       Py_ssize_t o, Py_ssize_t g, Py_ssize_t n) noexcept nogil:
    """Lay tap g of windows o, o + 1, ... along W side by side, whose row is NULL if it lies outside; of an upright
    block that of window o in so many rows. Return where they are. Of those inside `where` says which count."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.unit, column = first_of(w, o) + g * w.step, hop, begin, end, step, where_step
    cdef char* first
    if block.upright:
        begin, end = 0, n if 0 <= column < w.size and g < taps_of(w, o) else 0
        step, where_step = block.x_step, block.where_step
    else:
        hop = 1 if shares_columns(job, block) or not w.uniform else w.stride
        begin = min(n, parts_of(max(0, -column), hop))
        end = max(begin, min(n, parts_of(w.size - column, hop)))
        step, where_step, column = hop * job.x.w, hop * job.where.w, column + begin * hop
    if row == NULL or begin == end:
        job.fill(to, job.identity, n * job.run)
        return to
    row += column * job.x.w
    if job.as_it_lies and step == unit and not job.marks and begin == 0 and end == n:
        return <char*>row
    first = to + begin * unit
    job.fill(to, job.identity, begin * job.run)
    job.fill(to + end * unit, job.identity, (n - end) * job.run)
    if not job.marks:
        job.load(first, row, step, end - begin, job.run)
        return to
    if job.masked:
        where += column * job.where.w
    if not job.as_it_lies or step != unit:
        job.load(block.line, row, step, end - begin, job.run)
        row = block.line
    block.found |= mark_line(job, first, marked + begin * job.run, block.line, row, where, where_step, end - begin,
                             job.run)
    return to


cdef inline Py_ssize_t turn_of(Axis* axis, Py_ssize_t first) noexcept nogil:
    """In which of so many rows as there are taps the first tap of an axis, input row `first`, is laid; the others are
    laid behind it, round about. So a row that an earlier window saw lies where it lay."""
    cdef Py_ssize_t turn = (first if first >= 0 else first - axis.step + 1) // axis.step % axis.kernel
    return turn + axis.kernel if turn < 0 else turn


cdef void order_columns(Job* job, Block* block, const char* plane, const char* mask, Py_ssize_t od,
                        Py_ssize_t oh) noexcept nogil:
    """Put the columns of a block in order, and let rows point to the taps of its windows."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.unit, height = job.column.inputs
    cdef Py_ssize_t n = line_of(job, block.n, shares_columns(job, block))
    cdef Py_ssize_t g, td, th, d, h, i, o, t, slot, turn, pitch = block.line_pitch
    cdef bint keeps = w.uniform and not block.upright
    cdef int32_t* marked = block.marked
    cdef char* lines = block.lines
    cdef char** rows = block.column_rows
    cdef Py_ssize_t* laid = block.laid
    cdef const char* row
    cdef const char* where
    cdef const char* tap
    cdef bint found = False  # in any row
    if block.upright and job.shares:
        pitch = round_up(n * unit, LINE)
    # Rows that are laid are counted anew. Those that are kept count nothing: of these all elements do.
    if job.marks and block.counted:
        memset(marked, 0, groups_of(job, shares_columns(job, block)) * n * job.run * sizeof(int32_t))
    turn = turn_of(&job.height, first_of(&job.height, oh)) if keeps else 0
    for g in range(groups_of(job, shares_columns(job, block))):
        for i in range(height, job.column.rows):
            rows[i] = lines + i * pitch
        i = 0
        for td in range(job.depth.kernel):
            d = first_of(&job.depth, od) + td * job.depth.step
            for th in range(job.height.kernel):
                h = first_of(&job.height, oh) + th * job.height.step
                row = NULL
                if (0 <= d < job.depth.size and 0 <= h < job.height.size and td < taps_of(&job.depth, od)
                        and th < taps_of(&job.height, oh)):
                    row = plane + d * job.x.d + h * job.x.h
                where = mask + d * job.where.d + h * job.where.h if job.masked else NULL
                slot = i + turn if th + turn < job.height.kernel else i + turn - job.height.kernel
                rows[i] = lines + slot * pitch
                block.found = False
                if not w.uniform and not block.upright:
                    for o in range(n):
                        tap = lay_windows(job, block, rows[i] + o * unit, marked + o * job.run if job.marks else NULL,
                                          row if g < taps_of(w, block.first + o) else NULL, where, block.first + o, g,
                                          1)
                        if tap != rows[i] + o * unit:  # it was left where it lies
                            memcpy(rows[i] + o * unit, tap, unit)
                elif not keeps or row == NULL or laid[slot] != d * job.height.size + h + 1:
                    rows[i] = lay_windows(job, block, rows[i], marked, row, where, block.first, g, n)
                    if keeps:
                        laid[slot] = 0
                        if row != NULL and rows[i] == lines + slot * pitch and not block.found:
                            laid[slot] = d * job.height.size + h + 1
                found = found or block.found
                i += 1
        job.leaves.exchange[job.type](rows, job.column.number, job.column.steps, job.column.n, n * job.run)
        for i in range(height):
            block.rows[g * height + i] = rows[job.column.order[i]]
        lines += job.column.rows * pitch
        marked += n * job.run
        laid += height
    block.found = block.counted = found
    if shares_columns(job, block):
        for t in range(height, w.kernel * height):
            block.rows[t] = block.rows[t % height] + t // height * w.step * unit


cdef void count_missing(Job* job, Block* block) noexcept nogil:
    """Add up over the columns of each window what does not count."""
    cdef Py_ssize_t t, i, lanes = block.n * job.run
    cdef Py_ssize_t pitch = job.width.step * job.run if shares_columns(job, block) else lanes
    memset(block.missing, 0, lanes * sizeof(int32_t))
    for t in range(job.width.kernel):
        for i in range(lanes):
            block.missing[i] += block.marked[t * pitch + i]


cdef inline char* rank_of(Block* block, Py_ssize_t rank) noexcept nogil:
    """The row of a rank."""
    return block.rows[block.network.order[rank]]


cdef Py_ssize_t as_full(Job* job, Block* block, Py_ssize_t i) noexcept nogil:
    """How many windows of a block, from i on, have as many taps inside the input as window i."""
    if block.full or block.upright:
        return block.n - i
    return as_many_inside(&job.width, block.first + i, block.first + block.n)


cdef inline Py_ssize_t taps_inside(Job* job, Block* block, Py_ssize_t i) noexcept nogil:
    """How many taps of window i of a block lie inside the input."""
    return block.tall * inside_taps(&job.width, block.first if block.upright else block.first + i)


cdef void find_ranks(Job* job, Block* block, double q, const int32_t* missing, Py_ssize_t first, Py_ssize_t lanes,
                     Py_ssize_t taps) noexcept nogil:
    """Between which rows a quantile lies, for each number of taps that do not count in some of so many lanes, from
    `first` on; `missing` is NULL where all do."""
    cdef Py_ssize_t lane, gone, below, above
    cdef int32_t most = 0
    for lane in range(lanes if missing != NULL else 0):
        most = max(most, missing[lane])
    for gone in range(most + 1):
        block.below[gone] = block.above[gone] = block.rows[0] + first * job.size
        block.parts[gone] = NAN
        if taps - gone >= job.least and (gone == 0 or job.omits):
            block.parts[gone] = between_ranks(job, q, taps - gone, &below, &above)
            block.below[gone] = rank_of(block, below) + first * job.size
            block.above[gone] = rank_of(block, above) + first * job.size


cdef void read_quantile(Job* job, Block* block, double q, char* y, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    """Store a quantile of windows [i, i + n) of a block, which have equally many taps."""
    cdef Py_ssize_t taps = taps_inside(job, block, i), step = result_step(job, block), lane, below, above
    cdef Py_ssize_t first = i * job.run, lanes = n * job.run
    cdef const int32_t* missing = block.missing + first if block.found else NULL
    find_ranks(job, block, q, missing, first, lanes, taps)
    if missing == NULL and block.parts[0] == 0 and job.direct != NULL:
        if block.below[0] != y:
            job.direct(y, step, block.below[0], n, job.run)
        return
    job.leaves.between[job.type](<double*>block.results, block.below, block.above, block.parts, missing, lanes)
    job.store(y, step, block.results, n, job.run)
    # Whole numbers of 8 bytes are more than a double holds: where there is nothing between two, they are stored again.
    for lane in range(lanes if missing != NULL and job.direct != NULL and job.type > FLOAT64 else 0):
        if taps - missing[lane] >= job.least and between_ranks(job, q, taps - missing[lane], &below, &above) == 0:
            job.direct(y + lane // job.run * step + lane % job.run * job.y.size, 0,
                       rank_of(block, below) + (first + lane) * job.size, 1, 1)


cdef inline double between_ranks(Job* job, double q, Py_ssize_t taps, Py_ssize_t* below,
                                 Py_ssize_t* above) noexcept nogil:
    """Between which ranks a quantile lies, by the method (linear, lower, higher, nearest, midpoint), and at which part
    of the way; if that is 0, it is the one below."""
    cdef double place = q * (taps - 1)
    cdef Py_ssize_t rank = <Py_ssize_t>place
    cdef double part = place - rank
    if job.method == MIDPOINT and part > 0:
        part = 0.5
    elif job.method != LINEAR and part > 0:
        if job.method == HIGHER or (job.method == NEAREST and (part > 0.5 or (part == 0.5 and rank % 2 == 1))):
            rank += 1
        part = 0
    below[0], above[0] = rank, rank + 1 if part > 0 else rank
    return part


cdef void read_modes(Job* job, Block* block, char* y) noexcept nogil:
    """Store the value of each window's longest run of equal taps, of equally long ones the first and smallest; of
    windows in which nothing counts, the label that is ignored."""
    cdef Py_ssize_t t, i = 0, n, lane, lanes = block.n * job.run
    cdef int32_t one = 1, taps
    while i < block.n:
        n, taps = as_full(job, block, i), <int32_t>taps_inside(job, block, i)
        job.leaves.fill[2](block.counting + i * job.run, &taps, n * job.run)
        i += n
    job.leaves.fill[2](block.length, &one, lanes)
    job.leaves.fill[2](block.longest, &one, lanes)
    memcpy(block.results, rank_of(block, 0), lanes * job.size)
    for lane in range(lanes if block.found else 0):
        block.counting[lane] -= block.missing[lane]
        if block.counting[lane] == 0:
            memcpy(block.results + lane * job.size, job.skip, job.size)
    for t in range(1, job.all_ranks.inputs):
        job.leaves.count[job.type](block.results, block.length, block.longest, block.counting, <int32_t>t,
                                   rank_of(block, t - 1), rank_of(block, t), lanes)
    job.store(y, result_step(job, block), block.results, block.n, job.run)


cdef Py_ssize_t windows_together(Job* job, Py_ssize_t o, bint* full) noexcept nogil:
    """How many windows, from o on, are done together: either all taps of all of them lie inside the input, or not."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t n = min(job.block_windows, w.out - o), i = 0, begin, last
    full[0] = inside_taps(w, o) == w.kernel
    if w.uniform:
        begin, last = parts_of(w.before, w.stride), w.size - 1 - (w.kernel - 1) * w.step + w.before
        if full[0]:
            return min(n, last // w.stride + 1 - o)
        return min(n, begin - o) if o < begin and last >= begin * w.stride else n
    while i < n and (inside_taps(w, o + i) == w.kernel) == full[0]:
        i += 1
    return i


cdef void pool_block(Job* job, Block* block, const char* plane, const char* where, char* y, Py_ssize_t od,
                     Py_ssize_t oh) noexcept nogil:
    """Pool the windows of a block, of which the first is of output row (od, oh); their results begin at y."""
    cdef Py_ssize_t i, n, q, below, above
    block.tall = inside_taps(&job.depth, od) * inside_taps(&job.height, oh)
    order_columns(job, block, plane, where, od, oh)
    if block.found:
        count_missing(job, block)
    block.network = &job.all_ranks
    if block.full and block.tall == job.column.inputs and not (block.found and job.omits):
        block.network = &job.wanted_ranks
    for i in range(job.all_ranks.inputs, block.network.rows):
        block.rows[i] = block.spare + (i - job.all_ranks.inputs) * block.pitch
    if (block.network == &job.wanted_ranks and job.n_quantiles == 1 and not block.found and job.direct != NULL
            and job.y.type == job.type and result_step(job, block) == job.unit
            and between_ranks(job, job.quantiles[0], job.all_ranks.inputs, &below, &above) == 0
            and job.wanted_ranks.order[below] >= job.wanted_ranks.inputs and job.all_ranks.inputs >= job.least):
        block.rows[job.wanted_ranks.order[below]] = y  # where it belongs
    job.leaves.exchange[job.type](block.rows, block.network.number, block.network.steps, block.network.n,
                                  block.n * job.run)
    if not job.n_quantiles:
        read_modes(job, block, y)
    for q in range(job.n_quantiles):
        i = 0
        while i < block.n:
            n = as_full(job, block, i)
            read_quantile(job, block, job.quantiles[q], y + q * job.quantile_pitch + i * result_step(job, block), i, n)
            i += n


cdef inline void forget_rows(Job* job, Block* block) noexcept nogil:
    """Forget what was laid and counted: the next windows are elsewhere."""
    memset(block.laid, 0, groups_of(job, job.shares) * job.column.inputs * sizeof(Py_ssize_t))
    block.counted = True


cdef void pool_columns(Job* job, Block* block, const char* plane, const char* where, char* y, Py_ssize_t od,
                       Py_ssize_t oh, Py_ssize_t end) noexcept nogil:
    """Pool the windows of a block in output rows [oh, end) of slab od, whose results begin at y."""
    cdef Axis* h = &job.height
    cdef Py_ssize_t first = block.first, n = block.n, up, down, r, o, rows
    cdef Py_ssize_t least = 2 * n if job.shares else n  # upright, columns are not shared
    forget_rows(job, block)
    up = end
    if h.uniform and n * job.run < FEW_LANES and least < block.most_upright:
        up = oh
        while up < end and inside_taps(h, up) < h.kernel:
            up += 1
    down = up
    while down < end and inside_taps(h, down) == h.kernel:
        down += 1
    if down - up <= least:
        up = down = end
    for r in range(oh, up):
        pool_block(job, block, plane, where, y + r * job.y.h, od, r)
    if up < down:
        block.upright = True
        block.x_step, block.where_step, block.y_step = h.stride * job.x.h, h.stride * job.where.h, job.y.h
        for o in range(first, first + n):
            r = up
            while r < down:
                rows = min(down - r, block.most_upright)
                block.first, block.n, block.counted = o, rows, True
                pool_block(job, block, plane, where, y + (o - first) * job.y.w + r * job.y.h, od, r)
                r += rows
        block.first, block.n, block.upright = first, n, False
        forget_rows(job, block)
    for r in range(down, end):
        pool_block(job, block, plane, where, y + r * job.y.h, od, r)


cdef void pool_ordered(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows, those of one slab after the other."""
    cdef Block block = lay_block_out(job, scratch)
    cdef Py_ssize_t p, od, oh, n, high = job.height.out, deep = job.depth.out
    cdef const char* plane
    cdef const char* where = NULL
    cdef char* y
    block.upright = False
    while first < last:
        p, od, oh = first // (high * deep), first // high % deep, first % high
        n = min(high - oh, last - first)
        plane = plane_at(job, &job.x, p)
        if job.masked:
            where = plane_at(job, &job.where, p)
        y = plane_at(job, &job.y, p) + od * job.y.d
        block.first = 0
        while block.first < job.width.out:
            block.n = windows_together(job, block.first, &block.full)
            pool_columns(job, &block, plane, where, y + block.first * job.y.w, od, oh, oh + n)
            block.first += block.n
        first += n
