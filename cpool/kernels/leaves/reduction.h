/* The leaves of one reduction and one type. */
#ifndef ARRAYS
#define ARRAYS 1
#endif
#include "fold.h"
#include "halve.h"
#if SELECTS && defined(WIDTH)
#include "pick.h"
#endif
#undef NAME
#undef COMBINE
#undef COMBINE_VECTORS
#undef STAYS
#undef ARRAYS
#undef STATE
#undef STATE_AT
#undef STATE_TO
#undef LOAD
#undef STORE
#undef APART
#undef AS_APART
#undef AGAIN_APART
#undef LAST_APART
